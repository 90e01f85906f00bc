// One node of the command line: a leaf with a value, a group of arguments, or a choice
// between groups. The table built from these drives parsing, help and every header.
#pragma once

#include <climits>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace driver {

// Logical, integer (64 bits hold every unsigned seed), real or text.
using Value = std::variant<bool, long long, double, std::string>;

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;

  bool contains(double x) const {
    return (low_open ? x > low : x >= low) && (high_open ? x < high : x <= high);
  }
};

inline Range at_least(double low) { return {low, INT_MAX, false, false}; }
inline Range any_unsigned() { return {0, UINT_MAX, false, false}; }
inline Range positive() {
  return {0, std::numeric_limits<double>::infinity(), true, true};
}

struct Argument {
  enum class Kind { leaf, group, choice };

  Kind kind = Kind::leaf;
  std::string name;
  std::string help;
  Value value;           // of a leaf; the chosen name of a choice
  Value default_value;
  Range range;
  std::vector<Argument> members;  // of a group; the options of a choice
  bool heading = true;   // whether a chosen option prints a line of its own
  bool given = false;    // seen on the command line
  std::string shown;     // printed instead of the value: the seed taken from the clock

  bool is_default() const { return value == default_value; }

  Argument* find(const std::string& member) {
    for (Argument& candidate : members)
      if (candidate.name == member) return &candidate;
    return nullptr;
  }

  const Argument& chosen() const { return member_of(*this, text()); }
  Argument& chosen() { return *find(text()); }

  // Members of a choice are those of the chosen option.
  const Argument& operator[](const std::string& member) const {
    return member_of(kind == Kind::choice ? chosen() : *this, member);
  }

  bool flag() const { return std::get<bool>(value); }
  long long integer() const { return std::get<long long>(value); }
  int number() const { return static_cast<int>(integer()); }
  unsigned int natural() const { return static_cast<unsigned int>(integer()); }
  double real() const { return std::get<double>(value); }
  const std::string& text() const { return std::get<std::string>(value); }

 private:
  static const Argument& member_of(const Argument& group, const std::string& name) {
    for (const Argument& candidate : group.members)
      if (candidate.name == name) return candidate;
    throw std::logic_error("argument " + group.name + " has no member " + name);
  }
};

// The words in which the table is written.
inline Argument leaf(const std::string& name, Value fallback, Range range,
                     const std::string& help) {
  Argument argument;
  argument.name = name;
  argument.help = help;
  argument.value = argument.default_value = std::move(fallback);
  argument.range = range;
  return argument;
}
inline Argument logical(const std::string& name, bool fallback, const std::string& help) {
  return leaf(name, fallback, {}, help);
}
inline Argument integer(const std::string& name, long long fallback, Range range,
                        const std::string& help) {
  return leaf(name, fallback, range, help);
}
inline Argument real(const std::string& name, double fallback, Range range,
                     const std::string& help) {
  return leaf(name, fallback, range, help);
}
inline Argument text(const std::string& name, const std::string& fallback,
                     const std::string& help) {
  return leaf(name, fallback, {}, help);
}
inline Argument group(const std::string& name, const std::string& help,
                      std::vector<Argument> members) {
  Argument argument = leaf(name, {}, {}, help);
  argument.kind = Argument::Kind::group;
  argument.members = std::move(members);
  return argument;
}
inline Argument without_heading(const std::string& name, const std::string& help) {
  Argument option = group(name, help, {});
  option.heading = false;
  return option;
}
inline Argument choice(const std::string& name, const std::string& fallback,
                       const std::string& help, std::vector<Argument> options) {
  Argument argument = leaf(name, fallback, {}, help);
  argument.kind = Argument::Kind::choice;
  argument.members = std::move(options);
  return argument;
}

// A value as headers print it: reals in the stream's default format.
inline std::string to_text(const Value& value) {
  std::ostringstream out;
  out << std::boolalpha;
  std::visit([&out](const auto& x) { out << x; }, value);
  return out.str();
}

}  // namespace driver
