// SPDX-License-Identifier: MIT
// The routes of the service: what /openapi.json says, and the page at /. A request that is wrong in any way is answered with
// 4xx and {"error": …}.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "changes.hpp"
#include "engine.hpp"
#include "guard.hpp"
#include "http.hpp"
#include "rate_limit.hpp"
#include "roots.hpp"
#include "spool.hpp"
#include "store.hpp"

namespace meha {

struct ApiLimits {
  std::size_t body = std::size_t{1} << 20U;    // bytes of JSON
  std::size_t upload = std::size_t{1} << 30U;  // bytes of an uploaded file
  Index n_uploads = 1000, n_jobs = 100000;     // that are kept
  Index n_streams = 64;                        // of events at a time
  Index rate = 0;                              // requests a second of an address; 0: no limit
};

/// May be used by any number of threads.
class Api {
 public:
  Api(JobStore& store, Engine& engine, const Spool& spool, const DataRoots& roots, const Guard& guard, Changes& changes,
      const ApiLimits& limits)
      : store_(store),
        engine_(engine),
        spool_(spool),
        roots_(roots),
        guard_(guard),
        changes_(changes),
        limits_(limits),
        rate_(limits.rate) {}

  HttpResponse answer(const HttpRequest& request);

 private:
  using Words = std::vector<std::string>;
  std::optional<HttpResponse> refusal(const HttpRequest& request, const Words& path);
  HttpResponse route(const HttpRequest& request, const Words& path);
  HttpResponse route_api(const HttpRequest& request, const Words& path);
  HttpResponse route_job(const HttpRequest& request, const Words& path);
  std::string read_json(const HttpRequest& request) const;
  JobRecord job_named(const std::string& word);

  HttpResponse submit(const HttpRequest& request);
  HttpResponse list(const HttpRequest& request);
  HttpResponse resume(const HttpRequest& request, const JobRecord& job);
  HttpResponse remove(const JobRecord& job);
  HttpResponse show(Index id, int status = 200);
  [[nodiscard]] HttpResponse metrics(const HttpRequest& request, const JobRecord& job) const;
  [[nodiscard]] HttpResponse file(const JobRecord& job, const std::string& name) const;
  [[nodiscard]] HttpResponse upload(const HttpRequest& request, const std::string& name) const;
  [[nodiscard]] HttpResponse list_uploads() const;
  HttpResponse remove_upload(const std::string& name);
  HttpResponse events();
  HttpResponse prometheus();

  JobStore& store_;
  Engine& engine_;
  const Spool& spool_;
  const DataRoots& roots_;
  const Guard& guard_;
  Changes& changes_;
  ApiLimits limits_;
  RateLimit rate_;
  std::atomic<Index> n_streams_ = 0;
};

/// An error of a request, with the status of its answer.
class Refusal : public Error {
 public:
  /// @param allowed  methods that would not be refused, where the status is 405
  Refusal(int status, const std::string& message, std::string allowed = {})
      : Error(ExitCode::Config, message), status_(status), allowed_(std::move(allowed)) {}
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const std::string& allowed() const { return allowed_; }

 private:
  int status_;
  std::string allowed_;
};

/// A whole number in the query; `otherwise` where it is absent. Errors: Refusal, also where it is not in the range.
struct NumberRange {
  Index low, high;
};
Index query_number(const HttpRequest& request, const std::string& name, NumberRange range, Index otherwise);

constexpr Index largest_number = 999'999'999'999'999;  // of a query or a path

}  // namespace meha
