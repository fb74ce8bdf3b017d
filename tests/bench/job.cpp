// SPDX-License-Identifier: MIT
#include "bench/job.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "meha/app/setup.hpp"
#include "meha/solver/meha.hpp"
#include "meha/solver/direction.hpp"
#include "meha/core/random.hpp"
#include "meha/data/data_options.hpp"
#include "meha/problem/classifier.hpp"

namespace meha::bench {
namespace {

void write_idx(const std::string& path, const std::vector<Index>& sizes, const std::vector<std::uint8_t>& values) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](Index byte) { file.put(static_cast<char>(byte & 255)); };
  for (const Index byte : {Index{0}, Index{0}, Index{8}, static_cast<Index>(sizes.size())}) {
    put(byte);
  }
  for (const Index size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      put(size >> shift);
    }
  }
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size()));
  if (!file.flush()) {
    throw Error(ExitCode::Data, path + ": cannot be written");
  }
}

/// Random features and labels, all classes among the first rows.
void make_data(const Shape& shape, const std::string& features, const std::string& labels) {
  const Index n_rows = shape.rows + shape.validation;
  std::vector<std::uint8_t> values(static_cast<std::size_t>(n_rows * shape.features));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::uint8_t>((i * 0x9E3779B97F4A7C15u) >> 53);
  }
  write_idx(features, {n_rows, shape.features}, values);
  values.resize(static_cast<std::size_t>(n_rows));
  for (Index i = 0; i < n_rows; ++i) {
    values[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(i < shape.classes ? i : random_below(shape.classes, 1, Stream::Check, 0, i));
  }
  write_idx(labels, {n_rows}, values);
}

Options options_of(const Shape& shape, const std::string& folder, const Communicator& comm) {
  Options options;
  options.problem.type = "hyper_cleaning";
  options.problem.of<ModelOptions>().model = shape.model;
  options.run.precision = shape.precision;
  options.comm.sum = shape.sum;
  auto& data = options.problem.of<DataOptions>();
  const std::string stem = folder + "/" + std::to_string(shape.rows + shape.validation) + "x" +
                           std::to_string(shape.features) + "x" + std::to_string(shape.classes);
  data.train_features.value = stem + "-features.idx";
  data.train_labels.value = stem + "-labels.idx";
  data.n_train = shape.rows;
  data.n_validation = shape.validation;
  data.shuffle = false;
  auto& algorithm = options.algorithm;  // steps so small that any data stay finite
  algorithm.alpha = constant(1e-3);
  algorithm.beta = constant(1e-4);
  algorithm.eta = constant(1e-4);
  algorithm.of<DirectionOptions>().optimizer_y = algorithm.of<MehaOptions>().optimizer_theta = "momentum";
  algorithm.batch_lower = algorithm.batch_upper = shape.batch;
  comm.root_or_none([&] {
    if (!std::filesystem::exists(data.train_features.value)) {
      make_data(shape, data.train_features.value, data.train_labels.value);
    }
  });
  return options;
}

}  // namespace

Job::Job(const Shape& shape, const std::string& folder)
    : shape_(shape),
      comm_(Communicator::world()),
      options_(options_of(shape, folder, comm_)),
      simd_(agree_on_simd(comm_, shape.simd, shape.precision)),
      problem_(options_, comm_, simd_),
      oracle_(problem_, comm_, oracle_setup(options_)),
      meha_(options_.algorithm, problem_) {
  meha_.add_fields(oracle_, state_);
  problem_.start(state_["x"], state_["y"]);
  meha_.init(oracle_, state_);
}

Cost Job::run(Index n_steps) {
  const Timings before = oracle_.timings;
  const Traffic said = traffic();
  Cost cost;
  {
    const Stopwatch watch(cost.seconds);
    for (Index i = 0; i < n_steps; ++i) {
      meha_.step(oracle_, state_);
    }
  }
  if (oracle_.agreed().not_finite) {
    throw Error(ExitCode::NotFinite, shape_.name + ": not finite: its speed means nothing");
  }
  const auto n = static_cast<Real>(n_steps);
  cost.seconds /= n;
  cost.compute = (oracle_.timings.compute - before.compute) / n;
  cost.allreduce = (oracle_.timings.allreduce - before.allreduce) / n;
  cost.update = (oracle_.timings.update - before.update) / n;
  const Traffic now = traffic();
  cost.traffic = {.allreduces = now.allreduces - said.allreduces,
                  .allreduce_bytes = now.allreduce_bytes - said.allreduce_bytes,
                  .broadcasts = now.broadcasts - said.broadcasts,
                  .broadcast_bytes = now.broadcast_bytes - said.broadcast_bytes,
                  .sends = now.sends - said.sends,
                  .send_bytes = now.send_bytes - said.send_bytes};
  return cost;
}

Index Job::steps_in(Real seconds) {
  run(1);
  Index n = std::max<Index>(1, static_cast<Index>(std::ceil(seconds / run(2).seconds)));
  comm_.broadcast(n);
  return n;
}

}  // namespace meha::bench
