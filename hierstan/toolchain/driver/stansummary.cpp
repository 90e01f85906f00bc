// bin/stansummary: a table of every column of a fit, on the console and as CSV.
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "statistics.hpp"

namespace driver {
namespace {

struct Options {
  std::string percentiles = "5,50,95";
  std::string csv;
  int digits = 6;
  std::vector<std::string> files;
};

Options read_options(int argc, const char* argv[]) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value =
        equals == std::string::npos ? "" : trim(word.substr(equals + 1));
    if (key == "--percentiles")
      options.percentiles = value;
    else if (key == "--sig_figs")
      options.digits = std::atoi(value.c_str());
    else if (key == "--csv_filename")
      options.csv = value;
    else if (word.rfind("--", 0) == 0)
      throw std::runtime_error("Unknown option " + word);
    else
      options.files.push_back(word);
  }
  return options;
}

// The columns' order in print: arrays row by row, the last index fastest.
std::vector<std::size_t> row_major(const std::vector<std::string>& names) {
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto base = [&](std::size_t i) { return names[i].substr(0, names[i].find('.')); };
  const auto index = [&](std::size_t i) {
    std::vector<int> numbers;
    for (const std::string& part : split(names[i], '.')) {
      char* end = nullptr;
      const long number = std::strtol(part.c_str(), &end, 10);
      if (*end == '\0' && !part.empty()) numbers.push_back(static_cast<int>(number));
    }
    return numbers;
  };
  for (std::size_t begin = 0, end; begin < names.size(); begin = end) {
    for (end = begin; end < names.size() && base(end) == base(begin);) ++end;
    if (names[begin].find(':') != std::string::npos) continue;
    std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(begin),
                     order.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](std::size_t a, std::size_t b) { return index(a) < index(b); });
  }
  return order;
}

std::vector<double> summarize(const std::vector<Column>& chains, const Column& levels,
                              double seconds) {
  const Column all = join(chains);
  const double ess = split_ess(chains);
  const double sd = all.size() > 1 ? std::sqrt(variance(all)) : not_a_number;
  std::vector<double> row{mean(all), sd / std::sqrt(ess), sd};
  for (double level : levels) row.push_back(quantile(all, level / 100));
  row.insert(row.end(), {ess, ess / seconds, split_rhat(chains)});
  return row;
}

int summary(const Options& options) {
  const std::vector<DrawsCsv> fits = read_fits(options.files);
  double seconds = 0;
  for (const DrawsCsv& fit : fits) seconds += fit.sampling_seconds;
  Column levels;
  std::string header = "name,Mean,MCSE,StdDev";
  for (const std::string& level : split(options.percentiles, ',')) {
    levels.push_back(std::atof(level.c_str()));
    header += "," + level + "%";
  }
  std::ostringstream table;
  table << header << ",N_Eff,N_Eff/s,R_hat\n" << std::setprecision(options.digits);
  for (std::size_t index : row_major(fits[0].names)) {
    table << '"' << bracketed(fits[0].names[index]) << '"';
    for (double value : summarize(column(fits, index), levels, seconds))
      table << "," << value;
    table << "\n";
  }
  std::cout << table.str() << std::flush;
  if (options.csv.empty()) return 0;
  if (std::ifstream(options.csv).good())
    throw std::runtime_error("File \"" + options.csv + "\" exists already");
  std::ofstream file(options.csv);
  file << table.str() << std::flush;
  if (!file.good()) throw std::runtime_error("Cannot write to file \"" + options.csv + "\"");
  return 0;
}

}  // namespace
}  // namespace driver

int main(int argc, const char* argv[]) {
  try {
    return driver::summary(driver::read_options(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << std::endl;
    return 1;
  }
}
