// SPDX-License-Identifier: MIT
#include "model_gradients.hpp"

#include <algorithm>

#include "meha/comm/exact_sum.hpp"
#include "meha/solver/packed_y.hpp"
#include "shared_rows.hpp"

namespace meha {
namespace {

constexpr std::array both_levels = {Level::Lower, Level::Upper};

/// Whether a model is trained on rows of this level.
bool sees(const ModelPlan& plan, Level level) {
  return level == Level::Lower ? plan.doubtful : plan.trusted;
}

/// What of a level's rows a model needs in a step.
Want want_of(const ModelPlan& plan, Level level) {
  const bool is_judge = plan.training.fold != Training::no_fold;
  return Want::GradY | (is_judge ? Want::Value : Want::Nothing) |
         (is_judge && level == Level::Lower ? Want::GradX : Want::Nothing);
}

class Together final : public ModelGradients {
 public:
  using ModelGradients::ModelGradients;

  [[nodiscard]] bool steps(std::size_t /*j*/) const override { return true; }

  void use(std::span<const std::size_t> models) override {
    models_.assign(models.begin(), models.end());
    std::array<std::vector<Training>, 2> trainings;
    for (const Level level : both_levels) {
      for (const std::size_t j : models_) {
        if (sees(plans_[j], level)) {
          trainings[static_cast<std::size_t>(level)].push_back(plans_[j].training);
        }
      }
    }
    problem_.set_trainings(std::move(trainings));
    results_.assign(plans_.size(), {});
  }

  Requests take(Index step, Vec& x, std::span<const Vec> y) override {
    auto sweep = oracle_.sweep(x, step);
    for (const std::size_t j : models_) {
      if (plans_[j].doubtful) {
        results_[j].doubtful = &sweep.lower(y[j], want_of(plans_[j], Level::Lower));
      }
    }
    for (const std::size_t j : models_) {
      if (plans_[j].trusted) {
        const Want want = want_of(plans_[j], Level::Upper);
        results_[j].trusted = plans_[j].doubtful
                                  ? &sweep.add_upper(y[j], want, weight_of_trusted(), *results_[j].doubtful)
                                  : &sweep.upper(y[j], want);
      }
    }
    sweep.run();
    return oracle_.take_requests();
  }

  [[nodiscard]] ModelSums of(std::size_t j) const override {
    const auto& [doubtful, trusted] = results_[j];
    return {.doubtful = doubtful != nullptr ? doubtful->value : 0,
            .trusted = trusted != nullptr ? trusted->value : 0,
            .grad_x = doubtful != nullptr && is_judge(j) ? &doubtful->grad_x : nullptr};
  }

  void take_gradient(std::size_t j, const TakePiece& take) override {
    const auto& [doubtful, trusted] = results_[j];
    const InSpan gradient = as_span((doubtful != nullptr ? doubtful : trusted)->grad_y);
    const auto [n_units, n_features] = problem_.first_layer();
    const Index n_weights = n_units * n_features;
    const Index n = std::ssize(gradient);
    for (const Range piece : {Range{n_weights, n_weights + n_units}, {0, n_weights}, {n_weights + n_units, n}}) {
      take(piece.begin, slice(gradient, piece));
    }
  }

  void hand_out(std::vector<Vec>& /*by_model*/) const override {}

 private:
  struct Results {
    const Result *doubtful = nullptr, *trusted = nullptr;
  };
  std::vector<std::size_t> models_;
  std::vector<Results> results_;  // by model
};

class Apart final : public ModelGradients {
 public:
  Apart(Oracle& oracle, CrossFit& problem, std::span<const ModelPlan> plans)
      : ModelGradients(oracle, problem, plans), rows_(oracle, problem), sums_(plans.size()) {}
  ~Apart() override { problem_.dismiss(); }

  [[nodiscard]] bool steps(std::size_t j) const override { return answers_for(j); }

  /// Models of trusted rows alone come first, those of doubtful rows alone last: those of a level then stand together.
  void use(std::span<const std::size_t> models) override {
    mine_.clear();
    levels_.clear();
    for (const auto& [doubtful, trusted] : {std::pair(false, true), {true, true}, {true, false}}) {
      for (const std::size_t j : models) {
        if (plans_[j].doubtful == doubtful && plans_[j].trusted == trusted && steps(j)) {
          mine_.push_back(j);
        }
      }
    }
    std::array<std::vector<Training>, 2> trainings;
    for (const Level level : both_levels) {
      for (const std::size_t j : mine_) {
        if (sees(plans_[j], level)) {
          Training& training = trainings[static_cast<std::size_t>(level)].emplace_back(plans_[j].training);
          training.weight = level == Level::Upper && plans_[j].doubtful ? weight_of_trusted() : 1;
        }
      }
      if (std::any_of(models.begin(), models.end(), [&](std::size_t j) { return sees(plans_[j], level); })) {
        levels_.push_back(level);
      }
    }
    problem_.set_trainings(std::move(trainings));
  }

  Requests take(Index step, Vec& x, std::span<const Vec> y) override {
    Requests mine = oracle_.poll ? oracle_.poll() : Requests{};
    mine.not_finite = std::exchange(not_finite_, false);
    const Requests agreed = rows_.bring(step, levels_, mine, std::exchange(failure_, std::nullopt));
    if (agreed.not_finite || agreed.stop || agreed.time_limit) {
      return agreed;
    }
    const Stopwatch watch(oracle_.timings.compute, Stage::Compute);
    try {
      visit(step, as_span(std::as_const(x)), y);
    } catch (const std::exception& error) {
      failure_ = as_error(error);
    }
    return agreed;
  }

  [[nodiscard]] ModelSums of(std::size_t j) const override {
    const auto& [values, grad_x, grad_y] = sums_[j];
    return {.doubtful = values[0], .trusted = values[1], .grad_x = grad_x.size() > 0 ? &grad_x : nullptr};
  }

  void take_gradient(std::size_t j, const TakePiece& take) override {
    if (failure_) {
      return;
    }
    if (in_columns()) {
      take(0, as_span(sums_[j].grad_y));
    } else {
      problem_.take_gradient(static_cast<std::size_t>(std::find(mine_.begin(), mine_.end(), j) - mine_.begin()), take);
    }
  }

  void hand_out(std::vector<Vec>& by_model) const override {
    const Communicator& comm = oracle_.comm();
    for (std::size_t j = 0; j < by_model.size() && comm.size() > 1; ++j) {
      by_model[j].conservativeResize(problem_.n_y());
      comm.broadcast(as_span(by_model[j]), static_cast<int>(j % static_cast<std::size_t>(comm.size())));
    }
  }

 private:
  struct Sums {
    std::array<Real, 2> values;  // by level
    Vec grad_x;
    Vec grad_y;  // in_columns()
  };

  [[nodiscard]] bool in_columns() const { return problem_.column_passes() != nullptr; }

  /// Computes this rank's models' sums over all blocks of the minibatch, in their order.
  void visit(Index step, InSpan x, std::span<const Vec> y) {
    std::vector<Probe> probes;
    for (const std::size_t j : mine_) {
      Sums& sums = sums_[j];
      sums.values = {};
      sums.grad_x.setZero(plans_[j].doubtful && is_judge(j) ? problem_.n_x() : 0);
      sums.grad_y.setZero(in_columns() ? problem_.n_y() : 0);
      probes.push_back({.y = as_span(y[j]), .want = Want::GradY});
    }
    if (!in_columns() && !mine_.empty()) {
      problem_.begin_pass(Level::Lower, probes);
    }
    for (const Level level : levels_) {
      const auto is_seen = [&](std::size_t j) { return sees(plans_[j], level); };
      const auto first = std::find_if(mine_.begin(), mine_.end(), is_seen);
      const auto n = static_cast<std::size_t>(std::count_if(mine_.begin(), mine_.end(), is_seen));
      if (n > 0) {
        const auto at = static_cast<std::size_t>(first - mine_.begin());
        visit(level, step, x, std::span(mine_).subspan(at, n), std::span(probes).subspan(at, n), at);
      }
    }
  }

  /// @param first  place of the first of these models among all of this rank
  void visit(Level level, Index step, InSpan x, std::span<const std::size_t> models, std::span<const Probe> probes,
             std::size_t first) {
    const std::vector<Index>& blocks = oracle_.blocks_of_step(level, step);
    if (in_columns()) {
      find_columns(level, blocks);
      problem_.begin_pass_in(level, probes, columns_.columns());
      grad_in_columns_.resize(models.size() * static_cast<std::size_t>(columns_.size()));
    } else {
      problem_.use_points(first, models.size());
    }
    std::vector<Share> shares(models.size());
    for (std::size_t p = 0; p < models.size(); ++p) {
      shares[p].grad_x = level == Level::Lower ? as_span(sums_[models[p]].grad_x) : OutSpan();
      if (in_columns()) {
        const auto size = static_cast<std::size_t>(columns_.size());
        shares[p].grad_y = OutSpan(grad_in_columns_).subspan(p * size, size);
      }
    }
    for (const Index id : blocks) {
      const Block block{
          .id = id, .rows = oracle_.rows_of_block(level, id), .n_rows_in_pass = oracle_.n_rows_in_step(level, step)};
      problem_.add(level, block, x, probes, shares, {});
      for (std::size_t p = 0; p < models.size() && in_columns(); ++p) {
        columns_.add_to(shares[p].grad_y, shares[p].columns, as_span(sums_[models[p]].grad_y));
      }
      activity().beat();
    }
    for (std::size_t p = 0; p < models.size(); ++p) {
      sums_[models[p]].values[static_cast<std::size_t>(level)] = shares[p].value;
    }
  }

  /// Fixes the columns of y that a pass over these blocks reaches.
  void find_columns(Level level, const std::vector<Index>& blocks) {
    const ColumnPasses& passes = *problem_.column_passes();
    const std::span<std::uint64_t> reached = columns_.begin(passes.columns(), problem_.n_y());
    for (const Index id : blocks) {
      passes.mark_columns(level, oracle_.rows_of_block(level, id), reached);
    }
    columns_.end();
  }

  SharedRows rows_;
  std::vector<Level> levels_;          // whose rows any model in use is trained on
  std::vector<std::size_t> mine_;      // models in use that this rank steps
  std::vector<Sums> sums_;             // by model
  PackedY columns_;                    // of the pass at hand
  std::vector<Real> grad_in_columns_;  // grad_y of a block
};

}  // namespace

bool ModelGradients::answers_for(std::size_t j) const {
  return static_cast<int>(j % static_cast<std::size_t>(oracle_.comm().size())) == oracle_.comm().rank();
}

bool ModelGradients::sum(std::span<const InSpan> mine, OutSpan total) {
  ExactSum message(ExactSum::Kind::Exact);
  message.reset(std::ssize(total), std::ssize(plans_));
  for (const InSpan addend : mine) {
    message.add(0, addend, 1, 0);
  }
  std::optional<Error> failure = std::exchange(failure_, std::nullopt);
  if (!failure) {
    failure = problem_.failure();
  }
  if (not_finite_) {
    message.raise(ExactSum::Flag::NotFinite);
  }
  if (failure) {
    message.raise(ExactSum::Flag::Failed);
  }
  {
    const Stopwatch watch(oracle_.timings.allreduce, Stage::Allreduce);
    message.allreduce(oracle_.comm());
  }
  if (message.raised(ExactSum::Flag::Failed)) {
    oracle_.comm().agree(failure);
  }
  message.read(0, 0, total);
  return !message.raised(ExactSum::Flag::NotFinite);
}

std::unique_ptr<ModelGradients> make_model_gradients(Oracle& oracle, CrossFit& problem,
                                                     std::span<const ModelPlan> plans) {
  const RowSet& rows = problem.rows().of(Level::Lower);
  StepRows step{.batch = oracle.setup().batch_lower};
  step.n_rows = oracle.n_rows_in_step(Level::Lower) + oracle.n_rows_in_step(Level::Upper);
  step.n_bytes = bytes_of_rows(step.n_rows, rows.n_features(), rows.element());
  if (trains_apart(step, plans.size(), problem.is_linear())) {
    return std::make_unique<Apart>(oracle, problem, plans);
  }
  return std::make_unique<Together>(oracle, problem, plans);
}

}  // namespace meha
