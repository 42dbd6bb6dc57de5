"""Small inputs of every kind: their results are opened with other tools (test_files.py), and both are damaged (soak.py)."""

from program import RELAX, ROOT, STEADY

HAMILTONIAN = ROOT / "tests" / "data" / "haldane_hr.dat"  # hr.dat in the inputs

OPEN_CHAIN = """[model]
kind = "{model}"
sites = 6
interaction = 2.0
[bath.down]
gain = 0.2
two_site_loss = 1.0
[task]
kind = "{task}"
{grid}
"""
TIMES, FREQUENCIES = "times = [0.0, 0.5, 2.0]", "frequencies = [-1.0, 0.0, 1.0]\nbroadening = 0.1"

LATTICE = """[model]
kind = "tgge_lattice"
cells = [3, 2]
preset = "rashba_zeeman"
rashba = 0.4
zeeman_z = 0.7
[bath]
nonequilibrium_fraction = 0.4
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 0, 1.0, 0.0], [1, 0, 0, 1, 0, 1, 0.5, 0.3]]
[task]
kind = "{task}"
{more}
"""

WANNIER90 = """[model]
kind = "tgge_lattice"
cells = [4, 4]
hamiltonian = "hr.dat"
[[bath.jump_operator]]
terms = [[0, 0, 0, 0, 0, 1, 1.0, 0.0]]
[task]
kind = "steady_state"
"""

ORBITALS = """[model]
kind = "hatsugai_kohmoto"
cells = [3]
orbitals = 2
interaction = 1.0
hopping_terms = [[0, 0, 1, 1.0, 0.0], [-1, 0, 1, 0.7, 0.0]]
[bath.down]
gain = 0.5
loss = 0.3
[bath.up]
gain = 0.1
loss = 0.2
[task]
kind = "{task}"
{grid}
"""

SPLIT_BANDS = STEADY.replace("tgge_chain", "tgge_rashba").replace("[bath", "zeeman_field = 0.7\nrashba_z = 0.4\n[bath", 1)

# Together they cover every model and task, one and two bands, grids and pairs of swept keys, a complex swept key, and a
# file of Wannier90.
PROBLEMS = {
    "steady_state": STEADY,
    "relax": RELAX,
    "relax_sweep": RELAX + '[sweep]\n"bath.nonequilibrium_fraction" = [0.1, 0.5, 0.9]\n',
    "two_bands": STEADY.replace("tgge_chain", "tgge_rashba"),
    "grid": STEADY + '[sweep]\n"bath.nonequilibrium_fraction" = [0.1, 0.9]\n"bath.inverse_temperature" = [1.0, 2.0, 3.0]\n',
    "zip": STEADY + '[sweep]\nmode = "zip"\n"bath.nonequilibrium_fraction" = [0.1, 0.9]\n"bath.inverse_temperature" = [1.0, 2.0]\n',
    "complex_key": STEADY + '[sweep]\n"bath.delta" = [[1.0, 0.0], [0.0, 1.0]]\n',
    "green": OPEN_CHAIN.format(model="hatsugai_kohmoto", task="green", grid=TIMES),
    "density": OPEN_CHAIN.format(model="hatsugai_kohmoto", task="density", grid=TIMES),
    "spectral": OPEN_CHAIN.format(model="hatsugai_kohmoto", task="spectral", grid=FREQUENCIES),
    "hubbard_green": OPEN_CHAIN.format(model="hubbard", task="green", grid=TIMES),
    "hubbard_spectral": OPEN_CHAIN.format(model="hubbard", task="spectral", grid=FREQUENCIES),
    "ladder": OPEN_CHAIN.format(model="hubbard", task="spectral", grid=FREQUENCIES).replace("[bath", 'approximation = "ladder"\n[bath', 1),
    "hubbard_steady_state": OPEN_CHAIN.format(model="hubbard", task="steady_state", grid="[bath.up]\nloss = 0.1\ngain = 0.05"),
    "transport": OPEN_CHAIN.format(model="hubbard", task="transport", grid=""),
    "exact": OPEN_CHAIN.format(model="hubbard", task="exact", grid="").replace("sites = 6", "sites = 3"),
    "poles": OPEN_CHAIN.format(model="hatsugai_kohmoto", task="poles", grid="base_energies = [[1.0, -0.2]]"),
    "orbitals": ORBITALS.format(task="steady_state", grid=""),
    "orbital_green": ORBITALS.format(task="green", grid=TIMES),
    "orbital_spectral": ORBITALS.format(task="spectral", grid=FREQUENCIES),
    "cluster": OPEN_CHAIN.format(model="hatsugai_kohmoto", task="green", grid=TIMES).replace("[bath", "cluster = 2\n[bath", 1),
    "gradient": STEADY.replace("steady_state", "gradient") + '[sweep]\n"bath.nonequilibrium_fraction" = [0.1, 0.9]\n',
    "noise": STEADY.replace("steady_state", "noise"),
    "noise_of_energy": STEADY.replace('"steady_state"', '"noise"\nof = "energy_current"') + '[sweep]\n"bath.nonequilibrium_fraction" = [0.1, 0.9]\n',
    "two_bands_relax": RELAX.replace("tgge_chain", "tgge_rashba"),
    "two_bands_gradient": SPLIT_BANDS.replace("steady_state", "gradient"),
    "two_bands_noise": SPLIT_BANDS.replace("steady_state", "noise"),
    "lattice": LATTICE.format(task="steady_state", more='[sweep]\n"bath.inverse_temperature" = [1.0, 2.0]'),
    "wannier90": WANNIER90,
    "lattice_relax": LATTICE.format(task="relax", more="times = [0.0, 1.0]"),
    "lattice_gradient": LATTICE.format(task="gradient", more=""),
    "lattice_noise": LATTICE.format(task="noise", more=""),
}
