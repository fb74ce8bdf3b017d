// SPDX-License-Identifier: MIT
#include "meha/problem/check.hpp"

#include <gtest/gtest.h>

#include "support/toy_problems.hpp"

namespace meha {
namespace {

using namespace test;

std::vector<std::string> failures(Problem& problem) {
  std::vector<std::string> failed;
  for (const CheckResult& result : check_problem(problem, 5, seed())) {
    if (!result.passed()) {
      failed.push_back(result.what);
    }
  }
  return failed;
}

using Names = std::vector<std::string>;

TEST(Check, RightProblemsPass) {
  SCOPED_TRACE(seed_text());
  Lasso lasso(10);
  Coupled coupled;
  Weighted weighted;
  EXPECT_EQ(failures(lasso), Names());
  EXPECT_EQ(failures(coupled), Names());
  EXPECT_EQ(failures(weighted), Names());
}

class WrongGradY final : public Coupled {
  RowTerm row(Level level, Index i, InSpan x, InSpan y) const override {
    RowTerm term = Coupled::row(level, i, x, y);
    term.grad_y[2] *= level == Level::Lower ? 1.001 : 1;
    return term;
  }
};

class WrongUpperGradX final : public Coupled {
  RowTerm row(Level level, Index i, InSpan x, InSpan y) const override {
    RowTerm term = Coupled::row(level, i, x, y);
    term.grad_x[0] *= level == Level::Upper ? 0.99 : 1;
    return term;
  }
};

class WrongRowGradX final : public Weighted {
  RowTerm row(Level level, Index i, InSpan x, InSpan y) const override {
    RowTerm term = Weighted::row(level, i, x, y);
    if (level == Level::Lower && i == 4) {
      term.grad_x[0] = -term.grad_x[0];
    }
    return term;
  }
};

class WrongGradXOfG final : public Lasso {
 public:
  using Lasso::Lasso;
  void add_grad_x_g(Real factor, In /*x*/, In y, Out grad) const override { grad += 1.01 * factor * y.cwiseAbs(); }
};

class WrongWhole final : public Weighted {
  RowTerm whole(InSpan x, InSpan y) const override {
    RowTerm term = Weighted::whole(x, y);
    term.grad_y *= 2;
    return term;
  }
};

TEST(Check, FindsWrongGradients) {
  SCOPED_TRACE(seed_text());
  WrongGradY grad_y;
  WrongUpperGradX grad_x;
  WrongRowGradX row_grad_x;
  WrongGradXOfG grad_x_of_g(10);
  WrongWhole whole;
  EXPECT_EQ(failures(grad_y), Names({"grad_y of f"}));
  EXPECT_EQ(failures(grad_x), Names({"grad_x of F"}));
  EXPECT_EQ(failures(row_grad_x), Names({"grad_x of f"}));
  EXPECT_EQ(failures(grad_x_of_g), Names({"grad_x of g"}));
  EXPECT_EQ(failures(whole), Names({"grad_y of f"}));
}

class WrongProx final : public Coupled {
  void prox_g(Real step, In x, Out y) const override { Coupled::prox_g(1.1 * step, x, y); }
};

class NoBoxInProx final : public Weighted {
  void prox_g(Real step, In /*x*/, Out y) const override {
    for (Index i = 0; i < y.size(); ++i) {
      y[i] = step == 0 ? std::clamp(y[i], -1.0, 1.0) : y[i];
    }
  }
};

TEST(Check, FindsAWrongProx) {
  SCOPED_TRACE(seed_text());
  WrongProx prox;
  NoBoxInProx no_shrinking;
  EXPECT_EQ(failures(prox), Names({"prox of g"}));
  EXPECT_EQ(failures(no_shrinking), Names({"prox of g"}));
}

class WrongProjection final : public Coupled {
  void project_x(Out x) const override {
    for (Index i = 0; i < x.size(); ++i) {
      x[i] = std::fabs(x[i]) > 0.5 ? 0 : x[i];  // into X, but not to the nearest point
    }
  }
};

class EndlessProjection final : public Weighted {
  void project_x(Out x) const override { x *= 0.5; }
};

TEST(Check, FindsAWrongProjection) {
  SCOPED_TRACE(seed_text());
  WrongProjection not_nearest;
  EndlessProjection not_idempotent;
  EXPECT_EQ(failures(not_nearest), Names({"projection to X"}));
  EXPECT_EQ(failures(not_idempotent), Names({"projection to X"}));
}

}  // namespace
}  // namespace meha
