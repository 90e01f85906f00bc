// Data, initial values, metrics and fitted draws, as the services take them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <stan/io/var_context.hpp>
#include <stan/math/prim/fun/Eigen.hpp>

#include "session.hpp"

namespace driver {

using ContextPtr = std::shared_ptr<stan::io::var_context>;

// Variables of a JSON file, of an R dump (any other suffix), or of no file (empty path).
ContextPtr read_context(const std::string& path);

// The inverse metric of a file, such as adapt save_metric=1 writes.
ContextPtr read_metric(const std::string& path);

// One context per chain, from numbered files or one file for all.
std::vector<ContextPtr> read_contexts(const std::string& path, unsigned int first,
                                      std::size_t chains,
                                      ContextPtr (*read)(const std::string&) = read_context);

struct Inits {
  std::vector<ContextPtr> contexts;  // one per chain or path
  double radius;                     // of the values that no file gives
};

Inits read_inits(const Session& session, std::size_t chains);

// Rows of parameter values of a CSV written for the same model; at least one row.
Eigen::MatrixXd read_parameters(const Session& session, const std::string& path,
                                const std::string& argument);

// Parameter values by name, on the unconstrained scale.
Eigen::VectorXd unconstrain(const Session& session, const stan::io::var_context& values);
// The same from one row of a CSV.
Eigen::VectorXd unconstrain(const Session& session, const Eigen::VectorXd& row);

}  // namespace driver
