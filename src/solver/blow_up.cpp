// SPDX-License-Identifier: MIT
#include "meha/solver/blow_up.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdio>

namespace meha {
namespace {

struct Size {
  std::int64_t n = 0, n_not_finite = 0;
  Real largest = 0;  // of what is finite, absolute
};

Size size_on_all_ranks(const Communicator& comm, const Field& field) {
  Size size;
  for (const Real value : field.values) {
    if (std::isfinite(value)) {
      size.largest = std::max(size.largest, std::abs(value));
    } else {
      ++size.n_not_finite;
    }
  }
  if (field.per_row) {
    std::array counts = {std::int64_t{field.values.size()}, size.n_not_finite};
    comm.sum(std::span(counts));
    size.n_not_finite = counts[1];
    size.n = counts[0];
    size.largest =
        std::bit_cast<Real>(-comm.min(-std::bit_cast<Index>(size.largest)));  // bits of reals ≥ 0 have their order
  } else {
    size.n = field.values.size();
  }
  return size;
}

std::string rounded(Real value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2g", value);
  return text.data();
}

}  // namespace

std::string blow_up(const Communicator& comm, const State& state, std::span<const Variable> variables) {
  std::vector<Size> sizes(variables.size());
  std::size_t worst = 0;
  std::string all;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    sizes[i] = size_on_all_ranks(comm, state.field(variables[i].name));
    const bool is_finite = sizes[worst].n_not_finite == 0;
    if (is_finite && (sizes[i].n_not_finite > 0 || sizes[i].largest > sizes[worst].largest)) {
      worst = i;
    }
    all += (i == 0 ? "" : ", ") + variables[i].name + " " + rounded(sizes[i].largest);
  }
  const Size& size = sizes[worst];
  const std::string what = size.n_not_finite > 0 ? std::to_string(size.n_not_finite) + " of " + std::to_string(size.n) +
                                                       " entries of " + variables[worst].name + " are not finite"
                                                 : std::string("its sums are not finite or too large, ") +
                                                       variables[worst].name + " has grown most";
  return what + " (largest finite entries: " + all + "): lower " + variables[worst].step;
}

}  // namespace meha
