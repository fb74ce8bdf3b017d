// SPDX-License-Identifier: MIT
#include "meha/problem/registry.hpp"

#include <array>

#include "meha/core/error.hpp"
#include "meha/problem/group_lasso.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/synthetic.hpp"
#include "meha/problem/toys.hpp"

namespace meha {
namespace {

template <class Kind>
std::unique_ptr<Problem> make(const Options& options, const Communicator& comm, Simd simd) {
  return std::make_unique<Kind>(options, comm, simd);
}

constexpr std::array problems = {
    ProblemInfo{"hyper_cleaning", "learn one weight per training row so that wrong labels are found",
                make<HyperCleaning>},
    ProblemInfo{"strongly_convex", "quadratic, known optimum", make<StronglyConvex>},
    ProblemInfo{"merely_convex", "lower level without a unique minimiser, known optimum", make<MerelyConvex>},
    ProblemInfo{"sine_nonconvex", "nonconvex lower level, known global optimum", make<SineNonconvex>},
    ProblemInfo{"lasso_nonsmooth", "one l1 weight per coordinate, known optima", make<LassoNonsmooth>},
    ProblemInfo{"group_lasso", "sparse group lasso with one weight per group", make<GroupLasso>},
    ProblemInfo{"rxgd_toy", "nonconvex upper level over a least-squares or cosine lower level", make<RxgdToy>},
    ProblemInfo{"pbgd_toy", "one-dimensional, many stationary points", make<PbgdToy>},
};

}  // namespace

std::span<const ProblemInfo> problem_table() {
  return problems;
}

std::unique_ptr<Problem> make_problem(const Options& options, const Communicator& comm, Simd simd) {
  std::string known;
  for (const ProblemInfo& info : problems) {
    if (options.problem.type == info.name) {
      return info.make(options, comm, simd);
    }
    known += (known.empty() ? "" : "|") + std::string(info.name);
  }
  throw Error(ExitCode::Config, "problem.type = " + toml(options.problem.type) + ": must be one of " + known);
}

}  // namespace meha
