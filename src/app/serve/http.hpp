// SPDX-License-Identifier: MIT
// HTTP/1.1, a request a connection, as much of it as the service and its client need.
// Source: library cpp-httplib (https://github.com/yhirose/cpp-httplib), which http.cpp alone includes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meha {

/// Takes a part of a body. @return whether it wants more
using TakePart = std::function<bool(std::string_view part)>;

struct HttpRequest {
  std::string method, path;  // the path without %XX and without the query
  std::string address = {};  // of the client
  /// Returns a header; empty where it is absent.
  std::function<std::string(const std::string& name)> header = {};
  std::map<std::string, std::string> query = {};
  /// Hands the body to `take` as it arrives. @return whether all of it has arrived and was taken
  std::function<bool(const TakePart& take)> read_body = {};
};

struct HttpResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// An open file to send instead of the body, and its size [bytes]; −1: none. Closed by the server.
  int file = -1;
  std::size_t file_bytes = 0;
  /// Where it is there, called again and again for parts of a body without a known end. @return whether there is more
  std::function<bool(const TakePart& send)> stream = {};
};

class HttpServer {
 public:
  /// @param answer  called on many threads, as many as `n_threads` at a time. What it throws is answered with 500.
  HttpServer(const std::function<HttpResponse(const HttpRequest&)>& answer, int n_threads);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Listens. @param port  0: any that is free     @return the port     Errors: Error(Config) when it cannot.
  int bind(const std::string& host, int port);
  /// Answers requests until stop() is called, on any thread.
  void run();
  void stop();

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

/// What a server has answered.
struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// Calls a server.
class HttpClient {
 public:
  /// @param server  like http://127.0.0.1:8765     @param token  empty: none     Errors: Error(Config).
  HttpClient(std::string server, std::string token);
  /// @param body  of POST and PUT     Errors: Error(Data) when the server cannot be reached.
  HttpAnswer call(const std::string& method, const std::string& path, const std::string& body = {},
                  const std::string& type = "application/json") const;
  /// Hands an answer with status 200 to `take` as it arrives, another is returned. Errors: Error(Data).
  HttpAnswer get(const std::string& path, const TakePart& take) const;

 private:
  std::string server_, token_;
};

}  // namespace meha
