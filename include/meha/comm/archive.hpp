// SPDX-License-Identifier: MIT
// Values ↔ bytes, so that rank 0 can hand config and metadata to the others. Anything with a visit(value, see) packs.
#pragma once

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <sstream>
#include <string>

#include "meha/core/options.hpp"

namespace meha {

template <class Archive>
void serialize(Archive& archive, Path& path, unsigned /*version*/) {
  archive& path.value;
}

template <class Archive>
void serialize(Archive& archive, Schedule& schedule, unsigned /*version*/) {
  archive& schedule.kind& schedule.a& schedule.b& schedule.power& schedule.in_passes& schedule.per_pass;
}

template <class Archive>
void serialize(Archive& archive, Count& count, unsigned /*version*/) {
  archive& count.n& count.in_passes;
}

/// The bytes of a value that has a visit().
template <class Value>
std::string pack(const Value& value) {
  std::ostringstream bytes;
  boost::archive::binary_oarchive archive(bytes, boost::archive::no_header);
  visit(value, [&](const auto&, const auto& member) { archive << member; });
  return bytes.str();
}

/// The value that pack() made `bytes` of; same binary, same kind of machine.
/// @param value  has the same sections of options as the packed one
template <class Value>
Value unpack(const std::string& bytes, Value value) {
  std::istringstream stream(bytes);
  boost::archive::binary_iarchive archive(stream, boost::archive::no_header);
  visit(value, [&](const auto&, auto& member) { archive >> member; });
  return value;
}

}  // namespace meha
