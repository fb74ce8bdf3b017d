// SPDX-License-Identifier: MIT
// Whole iterations of MEHA on hyper-cleaning (Problem, Oracle, algorithm and update, all but reports and files) beside
// the machine's own rate of large products, OpenBLAS's SGEMM on one thread, both measured in turns in one run:
//     speed = (8·m per training row + 4·m per validation row) / time,     ratio = speed / SGEMM of just before and after
// and medians over repetitions. On several ranks each repetition also has rank 0 alone, and SGEMM on one and on all
// ranks at a time: what the machine gives two programs for one is the measure of what two ranks can reach.
#include <CLI/CLI.hpp>
#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "bench/series.hpp"

namespace meha::bench {
namespace {

struct Plan {
  Shape shape;
  bool table = false, weak = false;
  Index count = 0;  // iterations to count; 0: measure
  Index repetitions = 7;
  Real seconds = 0.3;  // of one measurement
  int sgemm = 2048;
  std::string json, folder, only;
};

/// Rates [flop/s] of n×n×n products of this rank.
class Sgemm {
 public:
  explicit Sgemm(int n) : n_(n), a_(area(), 0.5F), b_(area(), 0.25F), c_(area()) {
    openblas_set_num_threads(1);
    rate();
  }
  Real rate() {
    Real seconds = 0;
    {
      const Stopwatch watch(seconds);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n_, n_, n_, 1.0F, a_.data(), n_, b_.data(), n_, 0.0F,
                  c_.data(), n_);
    }
    return 2.0 * n_ * n_ * n_ / seconds;
  }

 private:
  [[nodiscard]] std::size_t area() const { return static_cast<std::size_t>(n_) * static_cast<std::size_t>(n_); }
  int n_;
  std::vector<float> a_, b_, c_;
};

std::vector<Shape> all_shapes(const Shape& base, const std::string& only) {
  std::vector<Shape> shapes;
  const std::string best = name(best_simd());
  const auto add = [&](const std::string& shape_name, const std::string& reference, auto&& change) {
    Shape shape = base;
    shape.name = shape_name;
    shape.reference = reference;
    shape.simd = best;
    change(shape);
    shapes.push_back(shape);
  };
  const Index many = 10 * base.rows;
  const std::string linear = "linear " + best;
  add(linear, "", [](Shape&) {});
  add("linear avx2", linear, [](Shape& s) { s.simd = best_simd() < Simd::Avx2 ? "baseline" : "avx2"; });
  add("linear baseline", linear, [](Shape& s) { s.simd = "baseline"; });
  add("linear, plain sum", linear, [](Shape& s) { s.sum = "plain"; });
  add("linear, float64", linear, [](Shape& s) { s.precision = "float64"; });
  const std::string mlp = "mlp 784-300-10";
  add(mlp, "", [](Shape& s) { s.model = "mlp"; });
  for (const std::string precision : {"int16", "bfloat16"}) {
    if (precision == "int16" || has_bfloat16()) {
      add("linear, " + precision, linear, [&](Shape& s) { s.precision = precision; });
      add(mlp + ", " + precision, mlp, [&](Shape& s) {
        s.model = "mlp";
        s.precision = precision;
      });
    }
  }
  for (const Index n : {3, 26, 100}) {
    add("linear, " + std::to_string(n) + " classes", "", [&](Shape& s) { s.classes = n; });
    add("linear, " + std::to_string(n) + " classes, int16", "linear, " + std::to_string(n) + " classes", [&](Shape& s) {
      s.classes = n;
      s.precision = "int16";
    });
  }
  for (const Index n : {54, 3072}) {
    add("linear, " + std::to_string(n) + " features", "", [&](Shape& s) { s.features = n; });
    add("linear, " + std::to_string(n) + " features, int16", "linear, " + std::to_string(n) + " features",
        [&](Shape& s) {
          s.features = n;
          s.precision = "int16";
        });
  }
  const std::string full = "linear, " + std::to_string(many) + " rows";
  add(full, linear, [&](Shape& s) { s.rows = s.validation = many; });
  for (const Index n : {4096, 8192}) {
    add("minibatch " + std::to_string(n) + " of " + std::to_string(many), full, [&](Shape& s) {
      s.rows = s.validation = many;
      s.batch = n;
    });
  }
  std::erase_if(shapes, [&](const Shape& shape) { return shape.name.find(only) == std::string::npos; });
  return shapes;
}

Real rows_per_s(Job& job, const Cost& cost) {
  return static_cast<Real>(job.n_rows()) / cost.seconds;
}

/// One rank: all shapes in turns.
Json measure_alone(const Plan& plan) {
  Sgemm sgemm(plan.sgemm);
  std::vector<Shape> shapes = plan.table ? all_shapes(plan.shape, plan.only) : std::vector{plan.shape};
  std::vector<Series> all(shapes.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    Series& series = all[i];
    series.job = std::make_unique<Job>(shapes[i], plan.folder);
    series.n_steps = series.job->steps_in(plan.seconds);
    const auto named = [&](const Series& s) { return s.job && s.job->shape().name == shapes[i].reference; };
    const auto found = std::find_if(all.begin(), all.end(), named);
    series.reference = found == all.end() ? nullptr : &*found;
  }
  for (Index r = 0; r < plan.repetitions; ++r) {
    for (Series& series : all) {
      const Series* reference = series.reference;
      const Real other =
          reference == nullptr ? 0 : rows_per_s(*reference->job, reference->job->run(reference->n_steps));
      const Real before = sgemm.rate();
      series.cost.push_back(series.job->run(series.n_steps));
      series.sgemm.push_back((before + sgemm.rate()) / 2);
      if (reference != nullptr) {
        series.against.push_back(rows_per_s(*series.job, series.cost.back()) / other);
      }
    }
  }
  Json lines = Json::array();
  print_heading();
  for (const Series& series : all) {
    lines.push_back(to_json(series));
    print_line(lines.back());
  }
  return lines;
}

/// Several ranks: the job on rank 0 alone and on all, each beside SGEMM likewise. Collective.
Json measure_together(const Plan& plan, const Communicator& comm) {
  Sgemm sgemm(plan.sgemm);
  Series one, all;
  Shape shape = plan.shape;
  if (comm.is_root() && plan.count == 0) {
    const Alone alone;
    one.job = std::make_unique<Job>(shape, plan.folder);
    one.n_steps = one.job->steps_in(plan.seconds);
  }
  quiet_barrier();
  if (plan.weak) {
    shape.rows *= comm.size();
    shape.validation *= comm.size();
    shape.batch *= comm.size();
  }
  all.job = std::make_unique<Job>(shape, plan.folder);
  all.n_steps = plan.count > 0 ? plan.count : all.job->steps_in(plan.seconds);
  const auto sgemm_of_all = [&] {
    quiet_barrier();
    Real sum[] = {sgemm.rate()};
    comm.sum(OutSpan(sum));
    return sum[0];
  };
  for (Index r = 0; r < plan.repetitions; ++r) {
    if (comm.is_root() && plan.count == 0) {
      const Alone alone;
      const Real before = sgemm.rate();
      one.cost.push_back(one.job->run(one.n_steps));
      one.sgemm.push_back((before + sgemm.rate()) / 2);
    }
    const Real before = sgemm_of_all();
    quiet_barrier();
    all.cost.push_back(all.job->run(all.n_steps));
    all.sgemm.push_back((before + sgemm_of_all()) / 2);
    quiet_barrier();
  }
  Json result = to_json(all);
  result["ranks"] = comm.size();
  result["weak"] = plan.weak;
  if (comm.is_root() && plan.count > 0) {
    std::printf("%d ranks, each an iteration: %g allreduces of %g bytes, %g broadcasts of %g bytes, %g sends\n",
                comm.size(), result["allreduces"].get<Real>(), result["allreduce_bytes"].get<Real>(),
                result["broadcasts"].get<Real>(), result["broadcast_bytes"].get<Real>(), result["sends"].get<Real>());
  } else if (comm.is_root()) {
    print_heading();
    const auto speed_up = quotients(all.speeds(), one.speeds());
    const auto sgemm_speed_up = quotients(all.sgemm, one.sgemm);
    result["alone"] = to_json(one);
    result["speed_up"] = median(speed_up);
    result["sgemm_speed_up"] = median(sgemm_speed_up);
    result["speed_up_ratio"] = median(quotients(speed_up, sgemm_speed_up));
    print_line(result["alone"]);
    print_line(result);
    std::printf("\n%d ranks against 1 (%s): meha %.3f×, SGEMM %.3f×, ratio of the two %.3f\n", comm.size(),
                plan.weak ? "weak: rows grow with ranks" : "strong: same rows", result["speed_up"].get<Real>(),
                result["sgemm_speed_up"].get<Real>(), result["speed_up_ratio"].get<Real>());
  }
  return Json::array({result});
}

Plan read_command_line(int argc, char** argv) {
  Plan plan;
  CLI::App app("whole iterations of MEHA beside SGEMM, in one run");
  Index rows = 5000;
  std::optional<Index> validation;
  app.add_option("--rows", rows, "training rows");
  app.add_option("--validation", validation, "validation rows; default: as many");
  app.add_option("--features", plan.shape.features);
  app.add_option("--classes", plan.shape.classes);
  app.add_option("--model", plan.shape.model, "linear|mlp (784-300-10)")->check(CLI::IsMember({"linear", "mlp"}));
  app.add_option("--simd", plan.shape.simd)->check(CLI::IsMember({"auto", "baseline", "avx2", "avx512"}));
  app.add_option("--precision", plan.shape.precision)
      ->check(CLI::IsMember({"float32", "float64", "bfloat16", "int16"}));
  app.add_option("--sum", plan.shape.sum)->check(CLI::IsMember({"exact", "plain"}));
  app.add_option("--batch", plan.shape.batch, "rows of each level a step; 0: all");
  app.add_flag("--table", plan.table, "all shapes (one rank)");
  app.add_option("--only", plan.only, "of them those whose names contain this text");
  app.add_flag("--weak", plan.weak, "several ranks: so many times the rows");
  app.add_option("--count", plan.count, "several ranks: only count calls and bytes, in so many iterations");
  app.add_option("--repetitions", plan.repetitions)->check(CLI::PositiveNumber);
  app.add_option("--seconds", plan.seconds, "of one measurement");
  app.add_option("--sgemm", plan.sgemm, "size n of the n×n×n product")->check(CLI::PositiveNumber);
  app.add_option("--json", plan.json, "file for the same as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  plan.shape.rows = rows;
  plan.shape.validation = validation.value_or(rows);
  plan.shape.name = plan.shape.model;
  if (plan.count > 0) {
    plan.repetitions = 1;
    plan.sgemm = 64;
  }
  return plan;
}

int main_of(int argc, char** argv) {
  Plan plan = read_command_line(argc, argv);
  const MpiSession session(&argc, &argv);
  const auto comm = Communicator::world();
  std::string folder = (std::filesystem::temp_directory_path() / "meha-bench-XXXXXX").string();
  comm.root_or_none([&] {
    if (mkdtemp(folder.data()) == nullptr) {
      throw Error(ExitCode::Data, folder + ": cannot be made");
    }
  });
  plan.folder = folder;
  Json lines;
  try {
    lines = comm.size() == 1 ? measure_alone(plan) : measure_together(plan, comm);
  } catch (const Error& error) {
    std::cerr << "bench: " << error.what() << '\n';
    abort_job(error.code());
  }
  if (comm.is_root()) {
    std::filesystem::remove_all(folder);
    if (!plan.json.empty()) {
      std::ofstream(plan.json) << lines.dump(2) << '\n';
    }
  }
  return 0;
}

}  // namespace
}  // namespace meha::bench

int main(int argc, char** argv) {
  return meha::bench::main_of(argc, argv);
}
