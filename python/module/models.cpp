#include <nanobind/stl/complex.h>
#include <nanobind/stl/string.h>

#include "bind.hpp"
#include "fields.hpp"

namespace lindrift::python {

namespace {

/// A table is not a struct of parameters: its weights are checked once and shared by all copies.
void bind_table(nb::module_& module) {
  nb::class_<TableJump> bound(
      module, "TableJump",
      "Hop weights w(to, from) >= 0 from a table: row = to, column = from, shape (modes, modes), "
      "without the factor 1/L.\n\nCopies share the table.");
  const auto weights_of = [](nb::handle self) {
    const auto& weights = nb::cast<const TableJump&>(self).weights();
    std::size_t modes = 0;
    while (modes * modes < weights.size()) ++modes;
    return view(weights.data(), {modes, modes}, self);
  };
  bound.def(
      "__init__",
      [](TableJump* self, nb::object table) {
        Matrix<double> matrix = real_matrix(table, "bath.table");
        if (matrix.rows != matrix.columns)
          throw ShapeError("bath.table has shape " + std::to_string(matrix.rows) + " x " +
                           std::to_string(matrix.columns) + "; it must be modes x modes");
        new (self) TableJump(std::move(matrix.values));
      },
      nb::arg("table"), nb::sig("def __init__(self, table: numpy.typing.ArrayLike) -> None"));
  bound.def_prop_ro("table", weights_of, nb::sig("def table(self) -> numpy.typing.NDArray[numpy.float64]"),
                    "The weights, read-only.");
  bound.def("__repr__", [weights_of](nb::handle self) {
    const auto modes = nb::cast<std::size_t>(weights_of(self).attr("shape")[0]);
    return "TableJump(<" + std::to_string(modes) + " x " + std::to_string(modes) + ">)";
  });
  bound.def(
      "__eq__",
      [weights_of](nb::handle self, nb::handle other) -> nb::object {
        if (!nb::isinstance<TableJump>(other)) return nb::borrow(Py_NotImplemented);
        return nb::bool_(same(weights_of(self), weights_of(other)));
      },
      nb::sig("def __eq__(self, other: object, /) -> bool"));
  bound.attr("__hash__") = nb::none();
  bound.def(
      "__reduce__",
      [weights_of](nb::handle self) { return nb::make_tuple(self.type(), nb::make_tuple(weights_of(self))); },
      nb::sig("def __reduce__(self) -> tuple[typing.Any, ...]"));
}

/// Terms are checked once the lattice is known.
void bind_operators(nb::module_& module) {
  nb::class_<JumpOperators> bound(
      module, "JumpOperators",
      "Any translation-invariant jump operators, a list of terms for each channel: (a, b, A) stands for A c+_{j+a} "
      "c_{j+b}, (a, spin, b, spin, A) for those of a model with spins, 0 = up, and (R.., a, R'.., b, A) for A "
      "c+_{j+R,a} c_{j+R',b} of a lattice with orbitals; displacements that are left out are zero. A is one complex "
      "number, or its real and imaginary part.");
  const auto channels_of = [](const JumpOperators& self) { return channels_to_python(self.channels); };
  bound.def(
      "__init__",
      [](JumpOperators* self, nb::object channels) {
        new (self) JumpOperators{channels_from(channels, "bath.jump_operator")};
      },
      nb::arg("channels"), nb::sig("def __init__(self, channels: collections.abc.Sequence[typing.Any]) -> None"));
  bound.def_prop_ro("channels", channels_of, nb::sig("def channels(self) -> tuple[typing.Any, ...]"),
                    "The terms of each channel.");
  bound.def("__repr__", [channels_of](const JumpOperators& self) {
    return "JumpOperators(" + nb::cast<std::string>(nb::repr(channels_of(self))) + ")";
  });
  bound.def(
      "__eq__",
      [channels_of](const JumpOperators& self, nb::handle other) -> nb::object {
        if (!nb::isinstance<JumpOperators>(other)) return nb::borrow(Py_NotImplemented);
        return nb::bool_(channels_of(self).equal(channels_of(nb::cast<const JumpOperators&>(other))));
      },
      nb::sig("def __eq__(self, other: object, /) -> bool"));
  bound.attr("__hash__") = nb::none();
  bound.def(
      "__reduce__",
      [channels_of](nb::handle self) {
        return nb::make_tuple(self.type(), nb::make_tuple(channels_of(nb::cast<const JumpOperators&>(self))));
      },
      nb::sig("def __reduce__(self) -> tuple[typing.Any, ...]"));
}

}  // namespace

void bind_models(nb::module_& module) {
  bind_parameters<TggeBath>(
      module, "ThermalBath",
      "The thermal bath of the tGGE models, the weights of both baths, and the coupling that they share.");
  bind_parameters<RamanJump>(
      module, "RamanJump",
      "Raman-assisted hopping of one band: c+_j + delta c+_{j+1} times c_j - delta_prime c_{j+1} "
      "(physics.md Eq. 5).");
  bind_parameters<DephasingJump>(module, "DephasingJump", "Dephasing of the spins of two bands (physics.md Eq. 11).");
  bind_operators(module);
  bind_table(module);
  bind_parameters<OpenBath>(module, "OpenBath",
                            "Gain and loss of one spin of an open chain, at sites and at bonds (physics.md Eq. 31).");
  bind_parameters<TggeChain>(module, "TggeChain", "One-band chain between a thermal and a nonequilibrium bath.",
                             "tgge_chain");
  bind_parameters<TggeRashba>(module, "TggeRashba",
                              "Two-band chain with Rashba coupling and Zeeman field between a thermal and a "
                              "nonequilibrium bath.",
                              "tgge_rashba");
  bind_parameters<UniformCoupling>(module, "UniformCoupling",
                                   "The thermal bath moves particles between any two modes.");
  bind_parameters<LocalCoupling>(module, "LocalCoupling",
                                 "Every cell couples by Hermitian operators to a thermal bath of its own.");
  bind_parameters<TggeLattice>(module, "TggeLattice",
                               "Any lattice in one to three dimensions with any orbitals and jump operators, between "
                               "a thermal and a nonequilibrium bath. Its Hamiltonian is a preset, a list of terms "
                               "(R.., a, b, A) of A c+_{j,a} c_{j+R,b}, or a file of Wannier90.",
                               "tgge_lattice");
  bind_parameters<InitialState>(module, "InitialState", "A state of the particles at the start that has a name.");
  bind_parameters<HatsugaiKohmoto>(module, "HatsugaiKohmoto",
                                   "Open Hatsugai-Kohmoto chain, an interaction at each momentum: exact at any time.",
                                   "hatsugai_kohmoto");
  bind_parameters<OrbitalBath>(module, "OrbitalBath",
                               "Gain and loss of one spin of a model with several orbitals: of every orbital, and by "
                               "operators (\"loss\" or \"gain\", terms) with terms (R.., a, A) of A c_{j+R,a} or A "
                               "c+_{j+R,a}.");
  bind_parameters<OrbitalHatsugaiKohmoto>(
      module, "OrbitalHatsugaiKohmoto",
      "Open Hatsugai-Kohmoto model with several orbitals in a cell: terms (R.., a, b, A) of A c+_{j,a} c_{j+R,b} + "
      "h.c., and an interaction at each momentum. Exact; its steady state depends on the interaction.",
      "hatsugai_kohmoto");
  bind_parameters<HubbardChain>(module, "HubbardChain",
                                "Hubbard chain with driven spin-down particles and one spin-up probe, to second order "
                                "or in the ladder approximation.",
                                "hubbard");
}

}  // namespace lindrift::python
