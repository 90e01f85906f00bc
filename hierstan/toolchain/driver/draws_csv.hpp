// Reads the CSV files that CmdStan's methods write. Standard library only: bin/stansummary
// and bin/diagnose are built from it without Stan.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace driver {

struct DrawsCsv {
  std::map<std::string, std::string> settings;  // the header's `key = value` lines
  std::vector<std::string> names;
  std::vector<std::vector<double>> rows;
  double sampling_seconds = 0;
};

inline std::string trim(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

inline std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> cells;
  std::size_t begin = 0;
  for (std::size_t end; (end = line.find(separator, begin)) != std::string::npos;
       begin = end + 1)
    cells.push_back(trim(line.substr(begin, end - begin)));
  cells.push_back(trim(line.substr(begin)));
  return cells;
}

inline void read_comment(const std::string& line, DrawsCsv& csv) {
  if (line.find("(Sampling)") != std::string::npos)
    csv.sampling_seconds = std::strtod(trim(line.substr(1)).c_str(), nullptr);
  const std::size_t equals = line.find(" = ");
  if (equals == std::string::npos) return;
  std::string value = trim(line.substr(equals + 3));
  const std::size_t mark = value.find("(Default)");
  if (mark != std::string::npos) value = trim(value.substr(0, mark));
  csv.settings[trim(line.substr(1, equals - 1))] = value;
}

inline std::vector<double> read_row(const std::string& line, const std::string& path,
                                    std::size_t columns) {
  std::vector<double> row;
  row.reserve(columns);
  const char* cursor = line.c_str();
  while (true) {
    char* end = nullptr;
    row.push_back(std::strtod(cursor, &end));
    while (*end == ' ' || *end == '\r') ++end;
    if (end == cursor || (*end != ',' && *end != '\0'))
      throw std::runtime_error("File \"" + path + "\" has a row that is not numbers: " +
                               line.substr(0, 60));
    if (*end == '\0') break;
    cursor = end + 1;
  }
  if (row.size() != columns)
    throw std::runtime_error("File \"" + path + "\" has a row of " +
                             std::to_string(row.size()) + " columns instead of " +
                             std::to_string(columns));
  return row;
}

inline DrawsCsv read_draws(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("Can't open specified file, \"" + path + "\"");
  DrawsCsv csv;
  for (std::string line; std::getline(in, line);) {
    if (trim(line).empty()) continue;
    if (line[0] == '#')
      read_comment(line, csv);
    else if (csv.names.empty())
      csv.names = split(line, ',');
    else
      csv.rows.push_back(read_row(line, path, csv.names.size()));
  }
  return csv;
}

}  // namespace driver
