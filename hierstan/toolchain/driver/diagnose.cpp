// bin/diagnose: what is wrong with a fit, in words.
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "statistics.hpp"

namespace driver {
namespace {

constexpr double ebfmi_limit = 0.3, ess_limit = 0.001, rhat_limit = 1.05;

// All sampling draws of a sampler column; empty if the files have no such column.
std::vector<Column> sampler_column(const std::vector<DrawsCsv>& fits,
                                   const std::string& name) {
  const auto& names = fits[0].names;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return {};
  return column(fits, static_cast<std::size_t>(found - names.begin()));
}

template <class Condition>
std::size_t count(const std::vector<Column>& chains, Condition condition) {
  const Column all = join(chains);
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), condition));
}

std::string share(std::size_t part, std::size_t whole) {
  std::ostringstream text;
  text.precision(2);
  text << part << " of " << whole << " (" << std::fixed
       << 100.0 * static_cast<double>(part) / static_cast<double>(whole) << "%)";
  return text.str();
}

bool check_treedepth(const std::vector<DrawsCsv>& fits) {
  const std::vector<Column> depths = sampler_column(fits, "treedepth__");
  const auto setting = fits[0].settings.find("max_depth");
  if (depths.empty() || setting == fits[0].settings.end()) return true;
  const double limit = std::atof(setting->second.c_str());
  const std::size_t hits = count(depths, [=](double depth) { return depth >= limit; });
  std::cout << "Checking sampler transitions treedepth.\n";
  if (hits == 0) {
    std::cout << "Treedepth satisfactory for all transitions.\n\n";
    return true;
  }
  std::cout << share(hits, join(depths).size())
            << " transitions hit the maximum treedepth limit of " << limit << ", or 2^"
            << limit << " leapfrog steps.\n"
            << "Trajectories that are prematurely terminated due to this limit will "
               "result in slow exploration.\n"
            << "For optimal performance, increase this limit.\n\n";
  return false;
}

bool check_divergences(const std::vector<DrawsCsv>& fits) {
  const std::vector<Column> divergent = sampler_column(fits, "divergent__");
  if (divergent.empty()) return true;
  const std::size_t hits = count(divergent, [](double flag) { return flag > 0; });
  std::cout << "Checking sampler transitions for divergences.\n";
  if (hits == 0) {
    std::cout << "No divergent transitions found.\n\n";
    return true;
  }
  std::cout << share(hits, join(divergent).size())
            << " transitions ended with a divergence.\n"
            << "These divergent transitions indicate that HMC is not fully able to "
               "explore the posterior distribution.\n"
            << "Try increasing adapt delta closer to 1.\n"
            << "If this doesn't remove all divergences, try to reparameterize the model.\n\n";
  return false;
}

// Energy fraction of missing information of one chain (Betancourt 2016, arXiv:1604.00695).
double ebfmi(const Column& energy) {
  double steps = 0;
  for (std::size_t i = 1; i < energy.size(); ++i)
    steps += (energy[i] - energy[i - 1]) * (energy[i] - energy[i - 1]);
  return steps / (variance(energy) * static_cast<double>(energy.size() - 1));
}

bool check_energy(const std::vector<DrawsCsv>& fits) {
  const std::vector<Column> energies = sampler_column(fits, "energy__");
  if (energies.empty()) return true;
  std::cout << "Checking E-BFMI - sampler transitions HMC potential energy.\n";
  bool satisfactory = true;
  for (std::size_t chain = 0; chain < energies.size(); ++chain) {
    const double value = ebfmi(energies[chain]);
    if (value >= ebfmi_limit || energies[chain].size() < 3) continue;
    std::cout << "Chain " << chain + 1 << ": E-BFMI = " << value
              << ", which is below the nominal threshold of " << ebfmi_limit << ".\n";
    satisfactory = false;
  }
  std::cout << (satisfactory ? "E-BFMI satisfactory.\n\n"
                             : "HMC may have trouble exploring the target distribution.\n"
                               "If possible, try to reparameterize the model.\n\n");
  return satisfactory;
}

// Names of the parameters whose statistic fails.
template <class Fails>
std::vector<std::string> failing(const std::vector<DrawsCsv>& fits, Fails fails) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < fits[0].names.size(); ++i) {
    const std::string& name = fits[0].names[i];
    const bool internal = name.size() > 2 && name.substr(name.size() - 2) == "__";
    if (!internal && fails(column(fits, i))) names.push_back(bracketed(name));
  }
  return names;
}

bool report(const std::vector<std::string>& names, const std::string& good,
            const std::string& bad) {
  if (names.empty()) {
    std::cout << good << "\n\n";
    return true;
  }
  std::cout << bad << "\n  ";
  for (std::size_t i = 0; i < names.size(); ++i) std::cout << (i ? ", " : "") << names[i];
  std::cout << "\n\n";
  return false;
}

int diagnose(const std::vector<std::string>& paths) {
  const std::vector<DrawsCsv> fits = read_fits(paths);
  bool fine = check_treedepth(fits);
  fine &= check_divergences(fits);
  fine &= check_energy(fits);
  fine &= report(failing(fits,
                         [](const std::vector<Column>& chains) {
                           const auto total = static_cast<double>(join(chains).size());
                           return split_ess(chains) / total < ess_limit;
                         }),
                 "Effective sample size satisfactory.",
                 "The following parameters had fewer than 0.001 effective draws per "
                 "transition:");
  fine &= report(failing(fits, [](const std::vector<Column>& chains) {
                   return split_rhat(chains) > rhat_limit;
                 }),
                 "Split R-hat values satisfactory all parameters.",
                 "The following parameters had split R-hat greater than 1.05:");
  std::cout << (fine ? "Processing complete, no problems detected." : "Processing complete.")
            << std::endl;
  return 0;
}

}  // namespace
}  // namespace driver

int main(int argc, const char* argv[]) {
  try {
    return driver::diagnose(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << "Error: " << error.what() << std::endl;
    return 1;
  }
}
