// SPDX-License-Identifier: MIT
#include "meha/data/storage.hpp"

#include <cstring>

namespace meha {
namespace {

__extension__ using Half = _Float16;

template <class From, class To>
void convert(const std::byte* from, Index n, std::byte* to) {
  for (Index i = 0; i < n; ++i) {
    From value;
    std::memcpy(&value, from + i * Index{sizeof(From)}, sizeof(From));
    const auto converted = static_cast<To>(value);
    std::memcpy(to + i * Index{sizeof(To)}, &converted, sizeof(To));
  }
}

}  // namespace

const char* name_of(Storage storage) {
  switch (storage) {
    case Storage::UInt8:
      return "uint8";
    case Storage::Int32:
      return "int32";
    case Storage::Int64:
      return "int64";
    case Storage::Float16:
      return "float16";
    case Storage::Float32:
      return "float32";
    case Storage::Float64:
      return "float64";
    case Storage::Sparse:
      return "float32, sparse";
  }
  return "";
}

void widen(const std::byte* halves, Index n, std::byte* floats) {
  convert<Half, float>(halves, n, floats);
}

void narrow(const std::byte* floats, Index n, std::byte* halves) {
  convert<float, Half>(floats, n, halves);
}

}  // namespace meha
