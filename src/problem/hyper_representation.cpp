// SPDX-License-Identifier: MIT
#include "meha/problem/hyper_representation.hpp"

#include <algorithm>
#include <cmath>

#include "episode_deck.hpp"
#include "meha/core/random.hpp"
#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"
#include "meha/problem/deal.hpp"

namespace meha {
namespace {

/// About so many images are worked on together; part of the order of sums, so never a matter of ranks.
constexpr Index images_at_once = 256;

OutSpan part(OutSpan whole, Index task, Index size) {
  return whole.empty() ? whole : slice(whole, {task * size, (task + 1) * size});
}

Range rows_of(Range tasks, Index n_rows_of_task) {
  return {tasks.begin * n_rows_of_task, tasks.end * n_rows_of_task};
}

}  // namespace

template <class T>
HyperRepresentation<T>::HyperRepresentation(const Options& options, const Communicator& comm, Simd simd)
    : init_(options.problem.of<InitOptions>().init),
      seed_(options.run.seed),
      regularisation_(options.problem.of<NetworkOptions>().regularisation) {
  const auto& tasks = options.problem.of<FewShotOptions>();
  const auto& network = options.problem.of<NetworkOptions>();
  plan_ = plan_of(tasks, tasks.n_tasks);
  evaluation_plan_ = plan_of(tasks, n_held_out(tasks) > 0 ? tasks.n_evaluation_tasks : 0);
  Deck deck;
  comm.root_or_none([&] {
    check_episode_options(options.problem);
    DataOptions data = options.problem.of<DataOptions>();
    data.sparse = "never";
    require_validation(data);
    Split split = load_split(data, options.problem.of<NoiseOptions>(), seed_);
    put_last(tasks.held_out_classes, split);
    deck = draw_deck(split, tasks, plan_, evaluation_plan_, seed_);
    fingerprint_ = fingerprint_of(split);
  });
  comm.broadcast(fingerprint_);
  // blocks of whole tasks: the images of a task go to the rank that owns the task
  const auto deal = [&](const Selection& images, Index n_rows_of_task) {
    return deal_rows(comm, images, options.run.block_rows * n_rows_of_task);
  };
  support_ = deal(deck.training.support, plan_.n_support_rows());
  query_ = deal(deck.training.query, plan_.n_query_rows());
  evaluation_support_ = deal(deck.evaluation.support, plan_.n_support_rows());
  evaluation_query_ = deal(deck.evaluation.query, plan_.n_query_rows());
  network_ = std::make_unique<FeatureNetwork<T>>(
      NetworkShape{.n_features = support_.n_features(),
                   .hidden = network.hidden,
                   .activation = network.activation == "relu" ? FeatureActivation::Relu : FeatureActivation::Tanh,
                   .element = support_.element()},
      simd);
  weight_.resize(plan_.n_ways, n_hidden());
  bias_.resize(1, plan_.n_ways);
}

template <class T>
std::vector<NamedArray> HyperRepresentation<T>::parameters() const {
  return {{"heads", {plan_.n_tasks, head_size()}}};
}

template <class T>
void HyperRepresentation<T>::start(Out x, Out y) const {
  network_->start(seed_, {x.data(), static_cast<std::size_t>(x.size())});
  y.setZero();
  if (init_ == "kaiming_uniform") {
    const Real bound = 1 / std::sqrt(static_cast<Real>(n_hidden()));
    const auto stream_step = static_cast<Index>(network_->shape().hidden.size());  // after those of the layers
    for (Index i = 0; i < y.size(); ++i) {
      y[i] = bound * (2 * random_uniform(seed_, Stream::Start, stream_step, i) - 1);
    }
  }
}

template <class T>
void HyperRepresentation<T>::read_head(InSpan y) {
  const Real* from = y.data();
  for (Index i = 0; i < weight_.size(); ++i) {
    weight_.data()[i] = static_cast<T>(*from++);
  }
  for (Index c = 0; c < bias_.size(); ++c) {
    bias_(0, c) = static_cast<T>(*from++);
  }
}

/// residual_ = W h + b of these rows.
template <class T>
void HyperRepresentation<T>::head_logits(const Matrix<T>& features, Range rows) {
  residual_.resize(rows.size(), plan_.n_ways);
  residual_.noalias() = features.middleRows(rows.begin, rows.size()) * weight_.transpose();
  for (Index row = 0; row < rows.size(); ++row) {
    for (Index c = 0; c < plan_.n_ways; ++c) {
      residual_(row, c) += bias_(0, c);
    }
  }
}

/// Mean loss of the head at hand on these rows; leaves residual_.
template <class T>
Real HyperRepresentation<T>::head_forward(const Matrix<T>& features, Range rows, const Label* labels) {
  head_logits(features, rows);
  const Real mean = 1 / static_cast<Real>(rows.size());
  Real loss = 0;
  for (Index row = 0; row < rows.size(); ++row) {
    T* z = residual_.data() + row * plan_.n_ways;
    const T top = *std::max_element(z, z + plan_.n_ways);
    const T given = z[labels[rows.begin + row]];
    T total = 0;
    for (Index c = 0; c < plan_.n_ways; ++c) {
      z[c] = std::exp(z[c] - top);
      total += z[c];
    }
    loss += std::log(static_cast<Real>(total)) + (static_cast<Real>(top) - static_cast<Real>(given));
    for (Index c = 0; c < plan_.n_ways; ++c) {
      z[c] = (z[c] / total - (c == labels[rows.begin + row] ? T(1) : T(0))) * static_cast<T>(mean);
    }
  }
  return mean * loss;
}

template <class T>
void HyperRepresentation<T>::add_head_gradient(const Matrix<T>& features, Range rows, Real factor, OutSpan grad_y) {
  weight_gradient_.resize(plan_.n_ways, n_hidden());
  weight_gradient_.noalias() = residual_.transpose() * features.middleRows(rows.begin, rows.size());
  for (Index i = 0; i < weight_gradient_.size(); ++i) {
    grad_y[static_cast<std::size_t>(i)] += factor * static_cast<Real>(weight_gradient_.data()[i]);
  }
  for (Index c = 0; c < plan_.n_ways; ++c) {
    Real sum = 0;
    for (Index row = 0; row < rows.size(); ++row) {
      sum += static_cast<Real>(residual_(row, c));
    }
    grad_y[static_cast<std::size_t>(weight_gradient_.size() + c)] += factor * sum;
  }
}

template <class T>
void HyperRepresentation<T>::add_regulariser(Real factor, InSpan y, Share& share, OutSpan grad_y) const {
  Real square = 0;
  for (const Real v : y) {
    square += v * v;
  }
  share.value += factor * regularisation_ / 2 * square;
  for (std::size_t i = 0; i < grad_y.size(); ++i) {
    grad_y[i] += factor * regularisation_ * y[i];
  }
}

/// The features serve all probes: they depend on x alone.
template <class T>
void HyperRepresentation<T>::add_tasks(Level level, Range tasks, Real mean, std::span<const Probe> probes,
                                       std::span<Share> shares) {
  const RowSet& images = level == Level::Lower ? support_ : query_;
  const Index n_images = level == Level::Lower ? plan_.n_support_rows() : plan_.n_query_rows();
  const Tile tile = images.tile(rows_of(tasks, n_images));
  const Matrix<T>& features = network_->forward(tile);
  for (std::size_t p = 0; p < probes.size(); ++p) {
    const bool wants_x = !shares[p].grad_x.empty();
    below_.resize(features.rows(), features.cols());
    for (Index task = tasks.begin; task < tasks.end; ++task) {
      const Range rows = rows_of({task - tasks.begin, task - tasks.begin + 1}, n_images);
      const InSpan head = slice(probes[p].y, {task * head_size(), (task + 1) * head_size()});
      const OutSpan grad_y = part(shares[p].grad_y, task, head_size());
      read_head(head);
      shares[p].value += mean * head_forward(features, rows, tile.labels);
      if (!grad_y.empty()) {
        add_head_gradient(features, rows, mean, grad_y);
      }
      if (level == Level::Lower) {
        add_regulariser(mean, head, shares[p], grad_y);
      }
      if (wants_x) {
        below_.middleRows(rows.begin, rows.size()).noalias() = residual_ * weight_;
      }
    }
    if (wants_x) {
      network_->backward(tile, below_);
      network_->collect(mean, shares[p].grad_x);
    }
  }
}

template <class T>
void HyperRepresentation<T>::add(Level level, const Block& block, InSpan x, std::span<const Probe> probes,
                                 std::span<Share> shares, const BetweenHalves& /*between*/) {
  const Index n_images = level == Level::Lower ? plan_.n_support_rows() : plan_.n_query_rows();
  const Index n_at_once = std::max<Index>(1, images_at_once / n_images);
  network_->set_parameters(x);
  for (Index first = block.rows.begin; first < block.rows.end; first += n_at_once) {
    add_tasks(level, {first, std::min(first + n_at_once, block.rows.end)}, 1 / static_cast<Real>(block.n_rows_in_pass),
              probes, shares);
  }
}

/// Minimises f_t over the head by a fixed number of gradient steps from zero.
template <class T>
void HyperRepresentation<T>::fit_head(const Matrix<T>& features, const Label* labels) {
  Real square = 0;
  for (Index i = 0; i < features.size(); ++i) {
    square += static_cast<Real>(features.data()[i]) * static_cast<Real>(features.data()[i]);
  }
  const Real step = 1 / ((square / static_cast<Real>(features.rows()) + 1) / 2 + regularisation_);
  Vec head = Vec::Zero(head_size());
  Vec gradient(head_size());
  for (int k = 0; k < n_fit_steps; ++k) {
    read_head(as_span(head));
    head_forward(features, {0, features.rows()}, labels);
    gradient = regularisation_ * head;
    add_head_gradient(features, {0, features.rows()}, 1, as_span(gradient));
    head -= step * gradient;
  }
  read_head(as_span(head));
}

/// Query images that a head fitted to the support images classifies as labelled, with the network's parameters.
template <class T>
Index HyperRepresentation<T>::count_correct(Index task) {
  const Tile support = evaluation_support_.tile(rows_of({task, task + 1}, plan_.n_support_rows()));
  const Tile query = evaluation_query_.tile(rows_of({task, task + 1}, plan_.n_query_rows()));
  support_features_ = network_->forward(support);
  fit_head(support_features_, support.labels);
  head_logits(network_->forward(query), {0, query.n_rows});
  Index n_correct = 0;
  for (Index row = 0; row < query.n_rows; ++row) {
    const T* logits = residual_.data() + row * plan_.n_ways;
    n_correct += std::max_element(logits, logits + plan_.n_ways) - logits == query.labels[row] ? 1 : 0;
  }
  return n_correct;
}

template <class T>
void HyperRepresentation<T>::tally(Level level, const Block& block, InSpan x, InSpan /*y*/, OutSpan tallies) {
  if (level != Level::Test) {
    return;
  }
  const Index first_owned = evaluation_query_.rows().begin / plan_.n_query_rows();
  if (untrained_correct_.empty()) {
    Vec untrained(n_x());
    network_->start(seed_, as_span(untrained));
    network_->set_parameters(as_span(untrained));
    const Index n_owned = evaluation_query_.rows().size() / plan_.n_query_rows();
    for (Index task = first_owned; task < first_owned + n_owned; ++task) {
      untrained_correct_.push_back(count_correct(task));
    }
  }
  network_->set_parameters(x);
  for (Index task = block.rows.begin; task < block.rows.end; ++task) {
    const auto n_correct = static_cast<Real>(count_correct(task));
    tallies[Correct] += n_correct;
    tallies[CorrectSquare] += n_correct * n_correct;
    const auto n_untrained = static_cast<Real>(untrained_correct_[static_cast<std::size_t>(task - first_owned)]);
    tallies[UntrainedCorrect] += n_untrained;
    tallies[UntrainedCorrectSquare] += n_untrained * n_untrained;
  }
}

/// @param correct  Σ_t n_t, Σ_t n_t²
template <class T>
void HyperRepresentation<T>::measure_accuracy(InSpan correct, const char* accuracy, const char* standard_error,
                                              Metrics& metrics) const {
  const auto n_tasks = static_cast<Real>(evaluation_plan_.n_tasks);
  const auto n_queries = static_cast<Real>(plan_.n_query_rows());
  const Real mean = correct[0] / n_tasks;
  const Real variance = (correct[1] - correct[0] * mean) / (n_tasks - 1);
  metrics.set(accuracy, mean / n_queries);
  metrics.set(standard_error, std::sqrt(std::max(variance, 0.0) / n_tasks) / n_queries);
}

template <class T>
void HyperRepresentation<T>::measure(InSpan tallies, In /*x*/, In /*y*/, Metrics& metrics) const {
  if (evaluation_plan_.n_tasks > 0) {
    measure_accuracy(tallies.subspan(Correct, 2), "few_shot_accuracy", "few_shot_accuracy_se", metrics);
    measure_accuracy(tallies.subspan(UntrainedCorrect, 2), "untrained_accuracy", "untrained_accuracy_se", metrics);
  }
}

template class HyperRepresentation<float>;
template class HyperRepresentation<double>;

std::unique_ptr<Problem> make_hyper_representation(const Options& options, const Communicator& comm, Simd simd) {
  if (options.run.precision == "bfloat16" || options.run.precision == "int16") {
    throw Error(ExitCode::Config, "run.precision = \"" + options.run.precision + "\": few-shot tasks take \"float32\"");
  }
  using Made = std::unique_ptr<Problem>;
  return options.run.precision == "float64" ? Made(std::make_unique<HyperRepresentation<double>>(options, comm, simd))
                                            : Made(std::make_unique<HyperRepresentation<float>>(options, comm, simd));
}

}  // namespace meha
