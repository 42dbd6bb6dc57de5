"""Random bad input: every call returns or raises an exception of this package or of Python, and never ends the process.

LINDRIFT_CALLS sets the number of calls, LINDRIFT_SEED the first of their seeds.
"""

import os
import pathlib
import tempfile
import unittest
import warnings

import numpy as np

import lindrift as ld

CALLS = int(os.environ.get("LINDRIFT_CALLS", "10000"))
SEED = int(os.environ.get("LINDRIFT_SEED", "1"))
ALLOWED = (TypeError, ValueError, OverflowError, MemoryError, OSError, ld.LindriftError)


class Liar:
    """Claims to be a sequence, a number and an array, and raises when used as one."""

    def __init__(self, error):
        self.error = error

    def fail(self, *_, **__):
        raise self.error("a lie")
    __len__ = __getitem__ = __float__ = __index__ = __complex__ = __array__ = __iter__ = __str__ = __bool__ = fail


class Changing(list):
    """A list whose length changes while it is read."""

    def __getitem__(self, index):
        self.append(1.0) if len(self) < 50 else self.clear()
        return super().__getitem__(index) if len(self) else 0.0

    def __iter__(self):
        while len(self) and len(self) < 50:
            self.append(1.0)
            yield self[0]


def closed_dataset():
    try:
        import h5py
    except ImportError:
        return None
    with tempfile.TemporaryDirectory() as folder, h5py.File(pathlib.Path(folder) / "a.h5", "w") as file:
        return file.create_dataset("x", data=np.zeros(4))


def arrays(random):
    """Arrays of any type, shape, layout and content."""
    shape = [(), (0,), (1,), (4,), (8,), (2, 2), (4, 4), (8, 8), (2, 0, 3), (8, 1)][random.integers(10)]
    kind = [float, np.float32, np.float16, np.longdouble, complex, np.complex64, int, np.int8, np.uint64, bool, object, "U3", "S3",
            "datetime64[s]", ">f8", [("a", float), ("b", int)]][random.integers(16)]
    values = random.choice([0.0, 0.5, 1.0, -1.0, 3.0, np.nan, np.inf, -np.inf, 1e308, 5e-324, 1e18], size=shape)
    with np.errstate(all="ignore"):
        try:
            made = np.asarray(values).astype(kind)
        except (TypeError, ValueError, OverflowError):
            made = np.zeros(shape, dtype=kind)
    layout = random.integers(6)
    if layout == 0 and made.ndim:
        made = np.repeat(made, 2, axis=0)[::2]
    elif layout == 1:
        made = np.asfortranarray(made)
    elif layout == 2 and made.ndim:
        made = made[::-1]
    elif layout == 3:
        made.flags.writeable = False
    elif layout == 4:
        made = np.broadcast_to(made, (4, *made.shape))
    return made


CLOSED = closed_dataset()


def junk(random):
    """Almost anything but what is documented, and sometimes that."""
    pick = random.integers(14)
    if pick < 5:
        return arrays(random)
    if pick == 5:
        return Liar([TypeError, ValueError, RuntimeError][random.integers(2)])
    if pick == 6:
        return Changing([1.0] * int(random.integers(1, 9)))
    if pick == 7:
        deep = []
        for _ in range(int(random.integers(1, 60))):
            deep = [deep, (0, 0, 1.0)]
        return deep
    scalars = [None, "", "x", "all", "auto", "steady", b"x", -1, 0, 1, 2, 3, 10**30, 2**63, -2**63, 10**11, 0.5, -0.5, 1e300, np.nan, np.inf,
               1j, complex(np.nan, 1), True, [], [[]], {}, set(), object(), range(4), iter([1.0]), memoryview(b"abcd"), np.float64(0.3),
               np.bool_(True), lambda *a: 1, type, ld, "\ud800", "a\0b", [0.0, 1.0], [0.1, 0.1], [(0, 0, 1.0)], [[(0, 1, 1j), (1, 0, 2)]],
               [[(0, 0, 0, 0, 1.0)]], [[(0, 0, 5, 0, 1.0)]], [(1, 0, 0, -1.0)], [[1, 0], [0, 1]], ld.RamanJump(), ld.OpenBath(),
               ld.ThermalBath(), ld.JumpOperators([[(0, 0, 1.0)]]), ld.TggeChain(sites=4), ld.InitialState("thermal"), CLOSED]
    return scalars[random.integers(len(scalars))]


def few(random, names):
    """Some of the arguments, with junk values."""
    chosen = random.choice(names, size=min(len(names), int(random.integers(1, 3))), replace=False)
    return {str(name): junk(random) for name in chosen}


def arguments_of(function):
    """Names of the arguments of a task."""
    common = ["algorithm", "backend", "threads", "progress"]
    return {
        ld.steady_state: ["filling", "lagrange_multiplier", "initial", "tolerance", "max_steps", "start", *common],
        ld.relax: ["times", "filling", "lagrange_multiplier", "initial", "integrator", "tolerance", "max_steps", *common],
        ld.green: ["times", "down_occupation", "tolerance", "max_steps", "keep_sites", "keep_momenta", *common],
        ld.spectral: ["frequencies", "momenta", "broadening", "tolerance", "keep_green", *common],
        ld.exact: ["times", "frequencies", "broadening", *common],
        ld.density: ["times", "up_sites", "correlation", "down_occupation", "down_sites", "keep_density", *common],
    }[function]


def small_models():
    bath = ld.ThermalBath(nonequilibrium_fraction=0.4)
    down = ld.OpenBath(gain=0.2, two_site_loss=1.0)
    return [ld.TggeChain(sites=4, bath=bath), ld.TggeChain(sites=3, bath=bath, jump=ld.TableJump(np.ones((3, 3)))),
            ld.TggeRashba(sites=4, bath=bath, zeeman_field=0.5),
            ld.TggeLattice(cells=[2, 3], preset="square", bath=bath, jump=ld.JumpOperators([[(0, 0, 0, 0, 1.0)]])),
            ld.HatsugaiKohmoto(sites=4, interaction=1.0, down=down),
            ld.HatsugaiKohmoto(sites=4, interaction=1.0, cluster=2, down=ld.OpenBath(gain=0.2, loss=1.0)),
            ld.HubbardChain(sites=4, interaction=[1.0], down=down)]


def fields_of(model):
    return [name for name in dir(type(model)) if isinstance(getattr(type(model), name), property)]


class BadInputTest(unittest.TestCase):
    def call(self, random, models):
        """Makes one call. A successful result is used once more: its arrays are read and its text is printed."""
        classes = [ld.TggeChain, ld.TggeRashba, ld.TggeLattice, ld.HatsugaiKohmoto, ld.HubbardChain, ld.ThermalBath, ld.RamanJump,
                   ld.DephasingJump, ld.OpenBath, ld.InitialState, ld.LocalCoupling]
        tasks = [ld.steady_state, ld.relax, ld.green, ld.spectral, ld.density, ld.exact]
        model = models[random.integers(len(models))]
        kind = random.integers(9)
        if kind == 0:
            one = classes[random.integers(len(classes))]
            return one(**few(random, [name for name in dir(one) if isinstance(getattr(one, name), property)]))
        if kind == 1:
            return [ld.JumpOperators, ld.TableJump, ld.UniformCoupling][random.integers(3)](junk(random))
        if kind == 2:
            return model.replace(**few(random, fields_of(model)))
        if kind == 3:
            return ld.gradient(junk(random), of=junk(random), with_respect_to=junk(random))
        if kind == 4:
            state = ld.steady_state(models[random.integers(4)])
            return [lambda: ld.gradient(state, of=junk(random), with_respect_to=[junk(random)]), lambda: ld.noise(state, of=junk(random)),
                    lambda: ld.gradient(state, with_respect_to=junk(random)), lambda: ld.noise(junk(random))][random.integers(4)]()
        if kind == 5:
            over = {["bath.coupling", "model.sites", "initial.filling", "bath.delta", "x", 3][random.integers(6)]: junk(random)}
            return ld.sweep(tasks[random.integers(6)], model, over, mode=["grid", "zip", junk(random)][random.integers(3)],
                            **few(random, ["threads", "progress", "filling", "times"]))
        if kind == 6:
            return type(model)._from_keys({"model.sites": 4, "bath.coupling": junk(random), "model.hopping": junk(random)})
        task = tasks[random.integers(6)]
        more = few(random, arguments_of(task))
        if task not in (ld.steady_state, ld.exact) and random.integers(2):
            more.setdefault("frequencies" if task is ld.spectral else "times", [0.0, 0.5])
        return task(junk(random) if kind == 8 and random.integers(4) == 0 else model, **more)

    def test_nothing_is_lost_silently(self):
        """Neither the imaginary part of a number nor that it is a truth value."""
        for wrong in (1 + 1j, np.complex64(1j), np.complex128(1), True, np.bool_(True), np.array(True), np.array(1j), "1"):
            for call in (lambda: ld.ThermalBath(coupling=wrong), lambda: ld.TggeChain(sites=wrong),
                         lambda: ld.JumpOperators([[(wrong, 0, 1.0)]]), lambda: ld.TableJump([[wrong]]),
                         lambda: ld.relax(ld.TggeChain(sites=4), times=[wrong]),
                         lambda: ld.sweep(ld.steady_state, ld.TggeChain(sites=4), {"bath.coupling": [wrong]})):
                with self.subTest(wrong=repr(wrong)), self.assertRaises((TypeError, ld.ParameterError)):
                    call()

    def test_no_times(self):
        """Every task either returns no rows or says that it needs at least one time."""
        for model in small_models():
            for task in (ld.relax, ld.green, ld.density):
                with self.subTest(model=repr(model), task=task.__name__):
                    try:
                        self.assertEqual(len(task(model, times=[]).coordinates["time"]), 0)
                    except (TypeError, ld.LindriftError):
                        pass

    def test_random_calls_raise_or_answer(self):
        models = small_models()
        warnings.simplefilter("error")  # from NumPy, if a conversion loses something
        answered = 0
        for number in range(CALLS):
            random = np.random.default_rng([SEED, number])
            with self.subTest(seed=[SEED, number]):
                try:
                    found = self.call(random, models)
                    if hasattr(found, "_datasets"):
                        repr(found)
                        for _, _, values, _, _ in found._datasets():
                            np.sum(values)
                    answered += 1
                except ALLOWED:
                    pass
                except RuntimeError as error:
                    self.assertRegex(str(error), "a lie|identifier")  # the latter from h5py, about a closed file
        # The models have not changed.
        self.assertEqual(models, small_models())
        self.assertGreater(answered, CALLS // 100)


if __name__ == "__main__":
    unittest.main()
