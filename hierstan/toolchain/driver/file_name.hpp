// Names of output and numbered input files.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace driver {

struct FileName {
  std::string stem;    // with the directory
  std::string suffix;  // with its dot, or empty

  // Cut at the last dot of the last component that has something on both sides.
  explicit FileName(const std::string& path) : stem(path) {
    const std::size_t slash = path.find_last_of('/');
    const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
    const std::size_t dot = path.find_last_of('.');
    if (dot == std::string::npos || dot <= begin || dot + 1 >= path.size()) return;
    stem = path.substr(0, dot);
    suffix = path.substr(dot);
  }

  std::string numbered(unsigned int number) const {
    return stem + "_" + std::to_string(number) + suffix;
  }
};

inline bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

inline std::string with_suffix(const std::string& path, const std::string& suffix) {
  return FileName(path).suffix.empty() ? path + suffix : path;
}

// One name per chain: the path itself for one chain, else numbered from the first id.
inline std::vector<std::string> chain_files(const std::string& path, unsigned int first,
                                            std::size_t chains) {
  if (path.empty()) return std::vector<std::string>(chains);
  const std::string full = with_suffix(path, ".csv");
  if (chains == 1) return {full};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < chains; ++i)
    names.push_back(FileName(full).numbered(static_cast<unsigned int>(first + i)));
  return names;
}

inline bool readable(const std::string& path) { return std::ifstream(path).good(); }

// Input of several chains: all of the numbered files, or the plain one for everybody.
inline std::vector<std::string> numbered_inputs(const std::string& path, unsigned int first,
                                                std::size_t chains) {
  if (chains == 1 || path.empty()) return std::vector<std::string>(chains, path);
  if (!ends_with(path, ".json") && !ends_with(path, ".R"))
    throw std::runtime_error("Input file \"" + path + "\" must end in .json or .R");
  const std::vector<std::string> names = chain_files(path, first, chains);
  if (!readable(names[0])) return std::vector<std::string>(chains, path);
  return names;
}

inline bool same_file(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  return fs::weakly_canonical(fs::absolute(a), ignored) ==
         fs::weakly_canonical(fs::absolute(b), ignored);
}

}  // namespace driver
