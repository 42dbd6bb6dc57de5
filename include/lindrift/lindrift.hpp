#pragma once

/// Everything that a program using the library includes.
#include "lindrift/backend.hpp"
#include "lindrift/error.hpp"
#include "lindrift/generator.hpp"
#include "lindrift/lattice.hpp"
#include "lindrift/models/rate_equation.hpp"
#include "lindrift/models/tgge_chain.hpp"
#include "lindrift/models/tgge_rashba.hpp"
#include "lindrift/tasks/relax.hpp"
#include "lindrift/tasks/steady_state.hpp"
#include "lindrift/version.hpp"
