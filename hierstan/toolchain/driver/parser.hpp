// Reads argv into the argument table. A group takes the tokens that are its members; the
// first one it does not know goes back to the group around it.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "argument.hpp"
#include "describe.hpp"

namespace driver {

struct ParseError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct HelpRequest {
  const Argument& about;
  bool everything;
};

// The whole of `text` as a value of the same type as `pattern`; false if it is not one.
inline bool read_value(const std::string& text, const Range& range, Value& pattern) {
  if (std::holds_alternative<std::string>(pattern)) {
    pattern = text;
    return true;
  }
  if (std::holds_alternative<bool>(pattern)) {
    if (text != "0" && text != "1" && text != "true" && text != "false") return false;
    pattern = (text == "1" || text == "true");
    return true;
  }
  if (std::holds_alternative<long long>(pattern)) {
    long long number = 0;
    const char* first = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
    const char* last = text.data() + text.size();
    const auto [stop, error] = std::from_chars(first, last, number);
    if (error != std::errc() || stop != last) return false;
    if (!range.contains(static_cast<double>(number))) return false;
    pattern = number;
    return true;
  }
  if (text.empty() || std::isspace(static_cast<unsigned char>(text[0]))) return false;
  char* stop = nullptr;
  const double number = std::strtod(text.c_str(), &stop);
  if (*stop != '\0' || !std::isfinite(number) || !range.contains(number)) return false;
  pattern = number;
  return true;
}

class Parser {
 public:
  Parser(Argument& root, std::vector<std::string> tokens)
      : root_(root), tokens_(std::move(tokens)) {}

  // Fills the table; throws ParseError on the first bad token, HelpRequest on `help`.
  void parse() {
    read_members(root_);
    if (next_ < tokens_.size()) throw ParseError(misplaced(tokens_[next_]));
    if (!root_.find("method")->given) throw ParseError("A method must be specified!");
  }

 private:
  void read_members(Argument& group) {
    while (next_ < tokens_.size()) {
      const std::string& token = tokens_[next_];
      if (token == "help" || token == "help-all")
        throw HelpRequest{group, token == "help-all"};
      const bool at_top = &group == &root_;
      Argument* member = match(group, token, at_top);
      if (member == nullptr || (at_top && member->given)) return;
      ++next_;
      member->given = true;
      open(*member, token);
    }
  }

  Argument* match(Argument& group, const std::string& token, bool at_top) {
    const std::size_t equals = token.find('=');
    Argument* member = group.find(token.substr(0, equals));
    if (member != nullptr && (member->kind == Argument::Kind::group) ==
                                 (equals == std::string::npos))
      return member;
    if (at_top && equals == std::string::npos && group.find("method")->find(token))
      return group.find("method");  // the method by its bare name
    return nullptr;
  }

  void open(Argument& member, const std::string& token) {
    if (member.kind == Argument::Kind::group) return read_members(member);
    const std::size_t equals = token.find('=');
    const std::string text = equals == std::string::npos ? token : token.substr(equals + 1);
    const bool known = member.kind == Argument::Kind::leaf || member.find(text) != nullptr;
    if (!known || !read_value(text, member.range, member.value))
      throw ParseError(text + " is not a valid value for \"" + member.name + "\"\n" +
                       "  Valid values: " + legal_values(member));
    if (member.kind == Argument::Kind::choice) read_members(member.chosen());
  }

  std::string misplaced(const std::string& token) const {
    std::string message = token + " is either mistyped or misplaced.";
    std::vector<std::string> homes;
    find_homes(root_, "", token.substr(0, token.find('=')), homes);
    for (const std::string& home : homes)
      message += "\n  It belongs to: " + (home.empty() ? "the top level" : home);
    return message;
  }

  static void find_homes(const Argument& group, const std::string& path,
                         const std::string& name, std::vector<std::string>& homes) {
    for (const Argument& member : group.members) {
      if (member.name == name && group.kind != Argument::Kind::choice)
        homes.push_back(path);
      const std::string step = group.kind == Argument::Kind::choice
                                   ? "=" + member.name
                                   : (path.empty() ? "" : " ") + member.name;
      find_homes(member, path + step, name, homes);
    }
  }

  Argument& root_;
  std::vector<std::string> tokens_;
  std::size_t next_ = 0;
};

}  // namespace driver
