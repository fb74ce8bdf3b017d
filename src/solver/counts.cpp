// SPDX-License-Identifier: MIT
#include "meha/solver/counts.hpp"

namespace meha {
namespace {

constexpr std::array kinds = {
    CountedKind{"lower_visits", [](const Counts& c) { return static_cast<Real>(c.level[0].visits); }},
    CountedKind{"upper_visits", [](const Counts& c) { return static_cast<Real>(c.level[1].visits); }},
    CountedKind{"product_visits",
                [](const Counts& c) { return static_cast<Real>(c.level[0].products + c.level[1].products); }},
    CountedKind{"difference_visits",
                [](const Counts& c) { return static_cast<Real>(c.level[0].differences + c.level[1].differences); }},
    CountedKind{"row_passes", [](const Counts& c) { return static_cast<Real>(c.passes); }},
    CountedKind{"allreduces", [](const Counts& c) { return static_cast<Real>(c.allreduces); }},
    CountedKind{"allreduce_bytes", [](const Counts& c) { return static_cast<Real>(c.bytes); }}};

}  // namespace

std::span<const CountedKind> counted_kinds() {
  return kinds;
}

}  // namespace meha
