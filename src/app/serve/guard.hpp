// SPDX-License-Identifier: MIT
// Who may ask the service for what: the bearer of its token, or where it has none, people of this machine; and no pages of
// other sites, which browsers let send requests.
#pragma once

#include <string>

#include "http.hpp"

namespace meha {

/// Where the service listens.
struct ListenAddress {
  std::string host;
  int port = 0;
  [[nodiscard]] bool is_loopback() const;
};
/// Reads 127.0.0.1:8765, [::1]:8765 or localhost:8765. Errors: Error(Config).
ListenAddress listen_address_of(const std::string& text);

/// The first line of a file that its owner alone may read. Errors: Error(Config), also where it is shorter than 16 characters.
std::string read_token(const std::string& file);

class Guard {
 public:
  /// @param token  empty: none
  explicit Guard(std::string token) : token_(std::move(token)) {}

  /// Why a request is refused, as an answer; nothing where it is not. @param is_open  whether it needs no token
  [[nodiscard]] std::optional<HttpResponse> refusal(const HttpRequest& request, bool is_open) const;

 private:
  std::string token_;
};

/// An answer {"error": message}.
HttpResponse error_response(int status, const std::string& message);

}  // namespace meha
