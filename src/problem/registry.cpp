// SPDX-License-Identifier: MIT
#include "meha/problem/registry.hpp"

#include <algorithm>
#include <vector>

#include "meha/core/error.hpp"
#include "meha/problem/group_lasso.hpp"
#include "meha/problem/hyper_cleaning.hpp"
#include "meha/problem/hyper_representation.hpp"
#include "meha/problem/regularisation.hpp"
#include "meha/problem/synthetic.hpp"
#include "meha/problem/toys.hpp"

namespace meha {
namespace {

template <class Kind>
std::unique_ptr<Problem> make(const Options& options, const Communicator& comm, Simd simd) {
  return std::make_unique<Kind>(options, comm, simd);
}

std::vector<ProblemInfo>& problems() {
  static std::vector<ProblemInfo> table = {
      {"hyper_cleaning", "learn one weight per training row so that wrong labels are found", make<HyperCleaning>},
      {"strongly_convex", "quadratic, known optimum", make<StronglyConvex>},
      {"merely_convex", "lower level without a unique minimiser, known optimum", make<MerelyConvex>},
      {"sine_nonconvex", "nonconvex lower level, known global optimum", make<SineNonconvex>},
      {"lasso_nonsmooth", "one l1 weight per coordinate, known optima", make<LassoNonsmooth>},
      {"group_lasso", "sparse group lasso with one weight per group", make<GroupLasso>},
      {"rxgd_toy", "nonconvex upper level over a least-squares or cosine lower level", make<RxgdToy>},
      {"pbgd_toy", "one-dimensional, many stationary points", make<PbgdToy>},
      {"hyper_representation", "learn features that few labelled images per class are enough for",
       make_hyper_representation},
      {"regularisation",
       "learn one penalty per feature of a linear classifier or regression, for the least validation loss",
       make<Regularisation>},
  };
  return table;
}

}  // namespace

std::span<const ProblemInfo> problem_table() {
  return problems();
}

void add_problem(ProblemInfo info) {
  const auto has_its_name = [&](const ProblemInfo& other) { return other.name == info.name; };
  if (info.name.empty() || !info.make || std::ranges::any_of(problems(), has_its_name)) {
    throw Error(ExitCode::Bug, "add_problem(" + toml(info.name) + "): needs a name that is not taken, and make");
  }
  problems().push_back(std::move(info));
}

std::unique_ptr<Problem> make_problem(const Options& options, const Communicator& comm, Simd simd) {
  std::string known;
  for (const ProblemInfo& info : problem_table()) {
    if (options.problem.type == info.name) {
      return info.make(options, comm, simd);
    }
    known += (known.empty() ? "" : "|") + info.name;
  }
  throw Error(ExitCode::Config, "problem.type = " + toml(options.problem.type) + ": must be one of " + known);
}

}  // namespace meha
