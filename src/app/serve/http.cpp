// SPDX-License-Identifier: MIT
#include "http.hpp"

#include <httplib.h>
#include <unistd.h>

#include <array>
#include <limits>

#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr std::size_t longest_path = 1024;   // characters
constexpr std::size_t file_part = 1U << 16;  // bytes sent at a time
constexpr int timeout_s = 10;

HttpRequest request_of(const httplib::Request& request, const httplib::ContentReader* reader) {
  HttpRequest result{.method = request.method, .path = request.path, .address = request.remote_addr};
  result.header = [&request](const std::string& name) { return request.get_header_value(name.c_str()); };
  for (const auto& [name, value] : request.params) {
    result.query[name] = value;
  }
  const bool is_in_parts = request.is_multipart_form_data();  // which the library would hand out in another way
  result.read_body = [reader, is_in_parts](const TakePart& take) {
    return reader != nullptr && !is_in_parts &&
           (*reader)([&](const char* data, std::size_t size) { return take(std::string_view(data, size)); });
  };
  return result;
}

void send_file(httplib::Response& response, const HttpResponse& result) {
  const std::shared_ptr<int> file(new int(result.file), [](const int* descriptor) {
    close(*descriptor);
    delete descriptor;
  });
  response.set_content_provider(
      result.file_bytes, result.type, [file](std::size_t offset, std::size_t size, httplib::DataSink& sink) {
        std::array<char, file_part> part;
        const ssize_t n = pread(*file, part.data(), std::min(size, part.size()), static_cast<off_t>(offset));
        return n > 0 && sink.write(part.data(), static_cast<std::size_t>(n));
      });
}

/// Sends a body as it is. Response::set_content() would compress it anew for each request, by brotli where a browser takes that,
/// which takes a second for a list of 1,000 jobs.
void send_body(httplib::Response& response, const HttpResponse& result) {
  response.set_content_provider(result.body.size(), result.type,
                                [body = result.body](std::size_t offset, std::size_t size, httplib::DataSink& sink) {
                                  return sink.write(body.data() + offset, std::min(size, body.size() - offset));
                                });
}

void send_stream(httplib::Response& response, const HttpResponse& result) {
  response.set_chunked_content_provider(result.type, [stream = result.stream](std::size_t, httplib::DataSink& sink) {
    const bool is_more = stream([&](std::string_view part) { return sink.write(part.data(), part.size()); });
    if (!is_more) {
      sink.done();
    }
    return true;
  });
}

void send(httplib::Response& response, const HttpResponse& result) {
  response.status = result.status;
  for (const auto& [name, value] : result.headers) {
    response.set_header(name, value);
  }
  if (result.file >= 0 && result.file_bytes == 0) {
    close(result.file);
    response.set_content("", result.type);
  } else if (result.file >= 0) {
    send_file(response, result);
  } else if (result.stream) {
    send_stream(response, result);
  } else if (result.body.empty()) {
    response.set_content("", result.type);
  } else {
    send_body(response, result);
  }
}

}  // namespace

class HttpServer::Server : public httplib::Server {};

HttpServer::HttpServer(const std::function<HttpResponse(const HttpRequest&)>& answer, int n_threads)
    : server_(std::make_unique<Server>()) {
  server_->new_task_queue = [n_threads] { return new httplib::ThreadPool(static_cast<std::size_t>(n_threads)); };
  server_->set_keep_alive_max_count(1);  // what is left of a body that nobody has read is no request
  server_->set_read_timeout(timeout_s);
  server_->set_write_timeout(timeout_s);
  server_->set_payload_max_length(std::numeric_limits<std::size_t>::max());  // who reads it counts
  server_->set_tcp_nodelay(true);
  const auto respond = [answer](const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader* reader) {
    const_cast<httplib::Request&>(request).ranges.clear();  // parts of files are not offered
    send(response, request.path.size() > longest_path
                       ? HttpResponse{.status = 414, .body = R"({"error": "the path has more than 1024 characters"})"}
                       : answer(request_of(request, reader)));
  };
  // Nothing is routed by the library, whose patterns are slow: what has no body is answered before it would be.
  server_->set_pre_routing_handler([respond](const httplib::Request& request, httplib::Response& response) {
    const bool has_body = request.method == "POST" || request.method == "PUT" || request.method == "DELETE";
    if (has_body && request.path.size() <= longest_path) {
      return Server::HandlerResponse::Unhandled;
    }
    respond(request, response, nullptr);
    return Server::HandlerResponse::Handled;
  });
  const auto with_body = [respond](const httplib::Request& request, httplib::Response& response,
                                   const httplib::ContentReader& reader) { respond(request, response, &reader); };
  constexpr const char* all = "[^]*";
  server_->Post(all, with_body).Put(all, with_body).Delete(all, with_body);
  server_->set_error_handler(httplib::Server::Handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty() && response.content_length_ == 0) {
      response.set_content(R"({"error": "no valid HTTP request that the service knows"})", "application/json");
    }
  }));
  server_->set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
    response.status = 500;
    response.set_content(R"({"error": "a bug of the service"})", "application/json");
  });
}

HttpServer::~HttpServer() = default;

int HttpServer::bind(const std::string& host, int port) {
  const int bound = port == 0 ? server_->bind_to_any_port(host) : server_->bind_to_port(host, port) ? port : -1;
  if (bound < 0) {
    throw Error(ExitCode::Config,
                "--listen " + host + ":" + std::to_string(port) +
                    ": cannot be listened on: is the port taken, or the address not of this machine?");
  }
  return bound;
}

void HttpServer::run() {
  server_->listen_after_bind();
}

void HttpServer::stop() {
  server_->stop();
}

// ---- the client ----

namespace {

httplib::Client client_of(const std::string& server, const std::string& token) {
  httplib::Client client(server);
  if (!client.is_valid()) {
    throw Error(ExitCode::Config, "--server " + server + ": must look like http://127.0.0.1:8765");
  }
  constexpr int longest_s = 3600;
  client.set_read_timeout(longest_s);
  if (!token.empty()) {
    client.set_bearer_token_auth(token.c_str());
  }
  return client;
}

HttpAnswer answer_of(const httplib::Result& result, const std::string& server) {
  if (!result) {
    throw Error(ExitCode::Data, server + ": cannot be reached (" + httplib::to_string(result.error()) +
                                    "): does meha serve run there?");
  }
  return {.status = result->status, .body = result->body};
}

}  // namespace

HttpClient::HttpClient(std::string server, std::string token) : server_(std::move(server)), token_(std::move(token)) {
  (void)client_of(server_, token_);
}

HttpAnswer HttpClient::call(const std::string& method, const std::string& path, const std::string& body,
                            const std::string& type) const {
  auto client = client_of(server_, token_);
  return answer_of(method == "GET"    ? client.Get(path.c_str())
                   : method == "POST" ? client.Post(path.c_str(), body, type.c_str())
                   : method == "PUT"  ? client.Put(path.c_str(), body, type.c_str())
                                      : client.Delete(path.c_str()),
                   server_);
}

HttpAnswer HttpClient::get(const std::string& path, const TakePart& take) const {
  auto client = client_of(server_, token_);
  int status = 0;
  std::string refusal;
  const auto result = client.Get(
      path.c_str(),
      [&](const httplib::Response& response) {
        status = response.status;
        return true;
      },
      [&](const char* data, std::size_t size) {
        if (status != 200) {
          refusal.append(data, size);
          return true;
        }
        return take(std::string_view(data, size));
      });
  HttpAnswer answer = answer_of(result, server_);
  answer.body = refusal;
  return answer;
}

}  // namespace meha
