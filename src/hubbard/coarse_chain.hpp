#pragma once

#include "lindrift/error.hpp"
#include "lindrift/hubbard/chain.hpp"
#include "open_chain/coarse.hpp"

namespace lindrift {

/// Calls use(chain) with the chain on few cells, for plans, or with the chain itself if it has lists for its size.
template <class Use>
auto with_coarse_chain(const HubbardChain& chain, const Use& use) {
  const HubbardChain few = coarse(chain);
  if (few.size() == chain.size() || few.size() < chain.interaction.size()) return use(chain);
  try {
    return use(few);
  } catch (const ParameterError& error) {
    if (!error.quantity().starts_with("bath")) throw;
  }
  // What is wrong at a momentum is said with its number in the chain itself.
  return use(chain);
}

}  // namespace lindrift
