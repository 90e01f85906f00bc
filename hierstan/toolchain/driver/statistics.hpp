// Convergence statistics of several chains, for bin/stansummary and bin/diagnose. Split
// R-hat and effective sample size follow Vehtari, Gelman, Simpson, Carpenter and Buerkner
// (2021), doi:10.1214/20-BA1221, equations 3.1 to 3.5 and 4.1, without rank normalization.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "draws_csv.hpp"

namespace driver {

using Column = std::vector<double>;  // one quantity in one chain
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

inline double mean(const Column& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

inline double variance(const Column& x) {
  const double center = mean(x);
  double sum = 0;
  for (double value : x) sum += (value - center) * (value - center);
  return sum / (static_cast<double>(x.size()) - 1);
}

// Linear interpolation between order statistics (type 7 of Hyndman and Fan).
inline double quantile(Column x, double probability) {
  std::sort(x.begin(), x.end());
  const double place = probability * static_cast<double>(x.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, x.size() - 1);
  return x[below] + (place - static_cast<double>(below)) * (x[above] - x[below]);
}

// Halves of equal length; the middle draw of an odd number is left out.
inline std::vector<Column> split_chains(const std::vector<Column>& chains) {
  std::size_t draws = chains[0].size();
  for (const Column& chain : chains) draws = std::min(draws, chain.size());
  const auto half = static_cast<std::ptrdiff_t>(draws / 2);
  const auto shortest = static_cast<std::ptrdiff_t>(draws);
  std::vector<Column> halves;
  for (const Column& chain : chains) {
    halves.emplace_back(chain.begin(), chain.begin() + half);
    halves.emplace_back(chain.begin() + shortest - half, chain.begin() + shortest);
  }
  return halves;
}

inline bool usable(const std::vector<Column>& chains) {
  if (chains[0].size() < 4) return false;
  double low = chains[0][0], high = chains[0][0];
  for (const Column& chain : chains)
    for (double value : chain) {
      if (!std::isfinite(value)) return false;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  return low < high;
}

struct Spread {
  double within, total;  // mean variance in a chain; its upper estimate over all chains
};

inline Spread spread(const std::vector<Column>& chains) {
  Column means, variances;
  for (const Column& chain : chains) {
    means.push_back(mean(chain));
    variances.push_back(variance(chain));
  }
  const auto n = static_cast<double>(chains[0].size());
  const double within = mean(variances);
  return {within, within * (n - 1) / n + (chains.size() > 1 ? variance(means) : 0)};
}

inline double split_rhat(const std::vector<Column>& chains) {
  const std::vector<Column> halves = split_chains(chains);
  if (!usable(halves)) return not_a_number;
  const Spread s = spread(halves);
  return std::sqrt(s.total / s.within);
}

inline double autocovariance(const Column& x, std::size_t lag) {
  const double center = mean(x);
  double sum = 0;
  for (std::size_t i = 0; i + lag < x.size(); ++i)
    sum += (x[i] - center) * (x[i + lag] - center);
  return sum / static_cast<double>(x.size());
}

// Autocorrelation over all chains at one lag.
inline double autocorrelation(const std::vector<Column>& chains, const Spread& s,
                              std::size_t lag) {
  Column covariances;
  for (const Column& chain : chains) covariances.push_back(autocovariance(chain, lag));
  return 1 - (s.within - mean(covariances)) / s.total;
}

// Geyer's initial monotone sequence: pairs of lags are summed while positive and falling.
// Of the pair that ends it only the even lag counts, which helps antithetic chains.
inline double split_ess(const std::vector<Column>& chains) {
  const std::vector<Column> halves = split_chains(chains);
  if (!usable(halves)) return not_a_number;
  const Spread s = spread(halves);
  const std::size_t draws = halves[0].size();
  double pair = 1 + autocorrelation(halves, s, 1);
  double tau = -1 + 2 * pair;
  for (std::size_t lag = 2; lag + 2 < draws; lag += 2) {
    const double even = autocorrelation(halves, s, lag);
    const double next = even + autocorrelation(halves, s, lag + 1);
    if (next < 0 || lag + 4 >= draws) {
      tau += std::max(even, 0.0);
      break;
    }
    pair = std::min(pair, next);
    tau += 2 * pair;
  }
  const auto total = static_cast<double>(draws * halves.size());
  return total / std::max(tau, 1 / std::log10(total));
}

// Sampling draws of one column in every file; saved warmup is left out.
inline std::vector<Column> column(const std::vector<DrawsCsv>& fits, std::size_t index) {
  std::vector<Column> chains;
  for (const DrawsCsv& fit : fits) {
    const auto setting = [&fit](const char* key, double fallback) {
      const auto found = fit.settings.find(key);
      return found == fit.settings.end() ? fallback : std::atof(found->second.c_str());
    };
    const auto saved = fit.settings.find("save_warmup");
    const bool warmup = saved != fit.settings.end() &&
                        (saved->second == "true" || saved->second == "1");
    const double skipped = std::ceil(setting("num_warmup", 0) / setting("thin", 1));
    Column chain;
    for (std::size_t i = warmup ? static_cast<std::size_t>(skipped) : 0;
         i < fit.rows.size(); ++i)
      chain.push_back(fit.rows[i][index]);
    chains.push_back(chain);
  }
  return chains;
}

inline Column join(const std::vector<Column>& chains) {
  Column all;
  for (const Column& chain : chains) all.insert(all.end(), chain.begin(), chain.end());
  return all;
}

// Files of one fit: the same columns, and at least one draw.
inline std::vector<DrawsCsv> read_fits(const std::vector<std::string>& paths) {
  std::vector<DrawsCsv> fits;
  for (const std::string& path : paths) {
    fits.push_back(read_draws(path));
    if (fits.back().names != fits.front().names)
      throw std::runtime_error("File \"" + path + "\" has other columns than \"" +
                               paths[0] + "\"");
  }
  if (fits.empty()) throw std::runtime_error("No CSV file is given");
  for (const Column& chain : column(fits, 0))
    if (chain.empty()) throw std::runtime_error("A file has no draws after warmup");
  return fits;
}

// `x.1.2` as `x[1,2]`, and members of tuples as `t.1[2]`, as Stan users write them.
inline std::string bracketed(const std::string& name) {
  std::string text;
  for (const std::string& part : split(name, ':')) {
    const std::size_t dot = part.find('.');
    if (!text.empty()) text += ".";
    if (dot == std::string::npos || part.find_first_not_of("0123456789.", dot) !=
                                        std::string::npos) {
      text += part;
      continue;
    }
    std::string index = part.substr(dot + 1);
    std::replace(index.begin(), index.end(), '.', ',');
    text += part.substr(0, dot) + "[" + index + "]";
  }
  return text;
}

}  // namespace driver
