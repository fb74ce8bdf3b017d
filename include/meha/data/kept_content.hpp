// SPDX-License-Identifier: MIT
// Content that stands for what a path names, in a file without a name: for pipes, and for what is no text but read as text.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace meha {

/// A pipe can be read only once: keeps all that comes from it in a file without a name, which readers of the same path then
/// read, for as long as the process lives. Other files are left alone.
/// @return the path    Errors: Error(Data) where there is no room for it.
const std::string& kept_pipe(const std::string& path);

/// Writes all bytes to an open file. Errors: std::system_error.
void write_all(int file, std::string_view bytes);

/// Keeps what stands for a file's content in a file without a name, which readers of the path then read, for as long as the
/// process lives. @param write  writes it to the open file    @param why  the content is kept, for messages
/// Errors: Error(Data) where there is no room for it; what `write` throws.
void keep_content(const std::string& path, const std::string& why, const std::function<void(int file)>& write);

/// Returns where the content of a path is: the path, or the file that kept_pipe() or keep_content() has made.
std::string place_of_content(const std::string& path);

}  // namespace meha
