// SPDX-License-Identifier: MIT
#include "bench/series.hpp"

#include <cblas.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace meha::bench {
namespace {

std::vector<Real> of(const Series& series, Real Cost::*member) {
  std::vector<Real> values;
  for (const Cost& cost : series.cost) {
    values.push_back(cost.*member);
  }
  return values;
}

Real share(const Series& series, Real Cost::*stage) {
  return median(quotients(of(series, stage), of(series, &Cost::seconds)));
}

Real per_step(const Series& series, std::int64_t Traffic::*member) {
  return static_cast<Real>(series.cost.back().traffic.*member) / static_cast<Real>(series.n_steps);
}

}  // namespace

Real median(std::vector<Real> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return values.size() % 2 == 1 ? *middle : (*middle + *std::max_element(values.begin(), middle)) / 2;
}

std::vector<Real> quotients(const std::vector<Real>& a, const std::vector<Real>& b) {
  std::vector<Real> values;
  for (std::size_t r = 0; r < a.size(); ++r) {
    values.push_back(a[r] / b[r]);
  }
  return values;
}

std::vector<Real> Series::speeds() const {
  std::vector<Real> values;
  for (const Cost& c : cost) {
    values.push_back(job->flops() / c.seconds);
  }
  return values;
}

Json to_json(const Series& series) {
  const Shape& shape = series.job->shape();
  const auto speeds = series.speeds();
  const auto ratios = quotients(speeds, series.sgemm);
  Json line = {{"name", shape.name},
               {"model", shape.model},
               {"rows", shape.rows},
               {"validation", shape.validation},
               {"features", shape.features},
               {"classes", shape.classes},
               {"batch", shape.batch},
               {"simd", series.job->level()},
               {"precision", shape.precision},
               {"sum", shape.sum},
               {"parameters", series.job->n_parameters()},
               {"ms", 1e3 * median(of(series, &Cost::seconds))},
               {"gflops", 1e-9 * median(speeds)},
               {"sgemm_gflops", 1e-9 * median(series.sgemm)},
               {"ratio", median(ratios)},
               {"ratios", ratios},
               {"ns_per_row", 1e9 * median(of(series, &Cost::seconds)) / static_cast<Real>(series.job->n_rows())},
               {"bytes_per_row", shape.features},
               {"compute_share", share(series, &Cost::compute)},
               {"allreduce_share", share(series, &Cost::allreduce)},
               {"update_share", share(series, &Cost::update)},
               {"update_s", median(of(series, &Cost::update))},
               {"allreduces", per_step(series, &Traffic::allreduces)},
               {"allreduce_bytes", per_step(series, &Traffic::allreduce_bytes)},
               {"broadcasts", per_step(series, &Traffic::broadcasts)},
               {"broadcast_bytes", per_step(series, &Traffic::broadcast_bytes)},
               {"sends", per_step(series, &Traffic::sends)}};
  if (series.reference != nullptr) {
    line["reference"] = series.reference->job->shape().name;
    line["against"] = median(series.against);
  }
  return line;
}

void print_heading() {
  const char* core = openblas_get_corename();
  std::printf("row kernels up to %s; SGEMM by OpenBLAS's core %s\n", name(best_simd()), core);
  const std::string older = " Prescott Core2 Nehalem Sandybridge Haswell Zen Excavator ";
  if (best_simd() == Simd::Avx512 && older.find(std::string(" ") + core + " ") != std::string::npos) {
    const char* chosen = std::getenv("OPENBLAS_CORETYPE");
    std::printf("without AVX-512, which the processor has: OPENBLAS_CORETYPE is %s\n",
                chosen == nullptr ? "not set" : chosen);
  }
  std::printf(
      "\n| shape | ms/iteration | GF/s | SGEMM GF/s | ratio | ns/row | bytes/row | rows/s against | compute | "
      "allreduce | "
      "update | allreduce calls, bytes | broadcast calls, bytes "
      "|\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
}

void print_line(const Json& j) {
  const auto number = [&](const char* key) { return j[key].get<Real>(); };
  const std::string against =
      j.contains("against") ? std::to_string(number("against")).substr(0, 5) + " × " + j["reference"].get<std::string>()
                            : "";
  std::printf("| %s | %.3f | %.1f | %.1f | %.3f | %.1f | %.0f | %s | %.1f %% | %.1f %% | %.1f %% | %g, %g | %g, %g |\n",
              j["name"].get<std::string>().c_str(), number("ms"), number("gflops"), number("sgemm_gflops"),
              number("ratio"), number("ns_per_row"), number("bytes_per_row"), against.c_str(),
              100 * number("compute_share"), 100 * number("allreduce_share"), 100 * number("update_share"),
              number("allreduces"), number("allreduce_bytes"), number("broadcasts"), number("broadcast_bytes"));
}

}  // namespace meha::bench
