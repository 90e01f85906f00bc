// The argument table in print: the configuration of a run, its JSON form, and help.
#pragma once

#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "argument.hpp"

namespace driver {

// The chosen configuration, one line per argument; two blanks per level.
inline void describe(const Argument& argument, int depth, std::vector<std::string>& lines) {
  const std::string indent(2 * depth, ' ');
  if (argument.kind == Argument::Kind::group) {
    lines.push_back(indent + argument.name);
  } else {
    const std::string shown =
        argument.shown.empty() ? to_text(argument.value) : argument.shown;
    lines.push_back(indent + argument.name + " = " + shown +
                    (argument.is_default() ? " (Default)" : ""));
  }
  if (argument.kind == Argument::Kind::choice) {
    if (argument.chosen().heading) describe(argument.chosen(), depth + 1, lines);
    return;
  }
  for (const Argument& member : argument.members) describe(member, depth + 1, lines);
}

inline std::vector<std::string> describe(const Argument& root) {
  std::vector<std::string> lines;
  for (const Argument& member : root.members) describe(member, 0, lines);
  return lines;
}

// The same through a stan::callbacks::json_writer, with native numbers and truth values.
template <class JsonWriter>
void describe_json(const Argument& argument, JsonWriter& writer) {
  if (argument.kind == Argument::Kind::leaf) {
    std::visit([&](const auto& x) { writer.write(argument.name, x); }, argument.value);
    return;
  }
  writer.begin_record(argument.name);
  if (argument.kind == Argument::Kind::choice) {
    writer.write("value", argument.text());
    if (argument.chosen().heading) describe_json(argument.chosen(), writer);
  } else {
    for (const Argument& member : argument.members) describe_json(member, writer);
  }
  writer.end_record();
}

// A bound of a range: whole numbers in full, not as 4.29497e+09.
inline std::string bound(double x) {
  return x == std::floor(x) ? to_text(static_cast<long long>(x)) : to_text(x);
}

inline std::string legal_values(const Argument& argument) {
  if (argument.kind == Argument::Kind::choice) {
    std::string names;
    for (const Argument& option : argument.members)
      names += (names.empty() ? "" : ", ") + option.name;
    return names;
  }
  if (std::holds_alternative<bool>(argument.value)) return "0, 1, true, false";
  if (std::holds_alternative<std::string>(argument.value)) return "any text";
  const Range& range = argument.range;
  std::string text = argument.name;
  if (std::isfinite(range.low))
    text = bound(range.low) + (range.low_open ? " < " : " <= ") + text;
  if (std::isfinite(range.high) && range.high != INT_MAX)
    text += (range.high_open ? " < " : " <= ") + bound(range.high);
  return (std::holds_alternative<long long>(argument.value) ? "whole numbers, " : "") + text;
}

inline void print_help(const Argument& argument, bool everything, int depth,
                       std::ostream& out) {
  const std::string indent(2 * depth, ' ');
  for (const Argument& member : argument.members) {
    const bool leaf = member.kind != Argument::Kind::group;
    out << indent << member.name << (leaf ? "=<" + legal_values(member) + ">" : "") << "\n"
        << indent << "    " << member.help;
    if (leaf) out << " (default: \"" << to_text(member.default_value) << "\")";
    out << "\n";
    if (everything) print_help(member, everything, depth + 1, out);
  }
}

}  // namespace driver
