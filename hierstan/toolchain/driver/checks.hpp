// What can be refused before the model is built.
#pragma once

#include <stdexcept>
#include <string>

#include "argument.hpp"
#include "file_name.hpp"

namespace driver {

inline void refuse_unless(bool holds, const std::string& message) {
  if (!holds) throw std::runtime_error(message);
}

inline void check_sample(const Argument& sample) {
  const Argument& algorithm = sample["algorithm"];
  refuse_unless(sample["num_chains"].integer() == 1 || algorithm.text() != "hmc" ||
                    algorithm["engine"].text() != "static",
                "num_chains can currently only be used for NUTS and fixed_param");
  refuse_unless(!sample["adapt"]["save_metric"].flag() || sample["adapt"]["engaged"].flag(),
                "save_metric needs adaptation: adapt engaged=1");
}

// The file that a method reads must be named, and must not be the one that it writes.
inline void check_input(const std::string& argument, const std::string& path,
                        const std::string& output) {
  refuse_unless(!path.empty(), "Argument " + argument + " file - found empty string, "
                               "expecting filename");
  refuse_unless(!same_file(path, with_suffix(output, ".csv")),
                "Filename conflict, " + argument + " file " + path +
                    " and output file have the same name");
}

inline void check_arguments(const Argument& root) {
  const std::string& output = root["output"]["file"].text();
  refuse_unless(!output.empty() && !ends_with(output, "/") && !ends_with(output, "/.") &&
                    !ends_with(output, "..") && output != ".",
                "Output file name \"" + output + "\" is not the name of a file");
  const Argument& method = root["method"].chosen();
  if (method.name == "sample") check_sample(method);
  if (method.name == "laplace") check_input("mode", method["mode"].text(), output);
  if (method.name == "generate_quantities") {
    const std::string& fit = method["fitted_params"].text();
    check_input("fitted_params", fit, output);
    refuse_unless(ends_with(fit, ".csv"),
                  "The fitted_params file \"" + fit + "\" must end in .csv");
  }
  if (method.name == "log_prob") {
    const std::string& constrained = method["constrained_params"].text();
    const std::string& unconstrained = method["unconstrained_params"].text();
    refuse_unless(constrained.empty() != unconstrained.empty(),
                  "log_prob needs one of constrained_params and unconstrained_params");
    check_input("constrained_params",
                constrained.empty() ? unconstrained : constrained, output);
  }
}

}  // namespace driver
