// SPDX-License-Identifier: MIT
#include "meha/problem/problem.hpp"

#include "meha/core/error.hpp"

namespace meha {

int Problem::share_exponent(Level /*level*/, Index n_rows_in_pass) const {
  int exponent = 0;  // ⌈log2 n⌉: shares of a mean over n rows
  while ((Index{1} << exponent) < n_rows_in_pass) {
    ++exponent;
  }
  return exponent;
}

void Problem::begin_pass(Level /*level*/, std::span<const Probe> /*probes*/) {}

void Problem::add(Level level, const Block& block, InSpan x, std::span<const Probe> probes, std::span<Share> shares,
                  const BetweenHalves& between) {
  const auto half = [&](Want wanted) {
    for (std::size_t p = 0; p < probes.size(); ++p) {
      Share part{.value = 0,
                 .grad_x = has(wanted, Want::GradX) ? shares[p].grad_x : OutSpan(),
                 .grad_y = has(wanted, Want::GradY) ? shares[p].grad_y : OutSpan(),
                 .cross_x = has(wanted, Want::CrossX) ? shares[p].cross_x : OutSpan(),
                 .hess_y = has(wanted, Want::HessY) ? shares[p].hess_y : OutSpan()};
      const Probe probe{.y = probes[p].y, .want = probes[p].want & wanted, .v = probes[p].v};
      if (probe.want != Want::Nothing) {
        add_one(level, block, x, probe, part);
        shares[p].value += has(probe.want, Want::Value) ? part.value : 0;
      }
    }
  };
  if (between) {
    half(Want::Value | Want::GradX | Want::CrossX);
    between({0, block.rows.size()});
    half(Want::GradY | Want::HessY);
  } else {
    half(Want::Value | Want::GradX | Want::GradY | products);
  }
}

void Problem::add_one(Level /*level*/, const Block& /*block*/, InSpan /*x*/, const Probe& /*probe*/, Share& /*share*/) {
  require(false, "a problem must implement add() or add_one()");
}

void Problem::add_whole(Level /*level*/, InSpan /*x*/, const Probe& /*probe*/, Share& /*share*/) const {}

bool Problem::has_whole(Level /*level*/) const {
  return true;
}

Real Problem::g(In /*x*/, In /*y*/) const {
  return 0;
}

void Problem::add_grad_x_g(Real /*factor*/, In /*x*/, In /*y*/, Out /*grad*/) const {}

void Problem::prox_g(Real /*step*/, In /*x*/, Out /*y*/) const {}

void Problem::project_x(Out /*x*/) const {}

}  // namespace meha
