#include "inputs.hpp"

#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include <stan/io/dump.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>

#include "draws_csv.hpp"
#include "file_name.hpp"
#include "parser.hpp"

namespace driver {

ContextPtr read_context(const std::string& path) {
  if (path.empty()) return std::make_shared<stan::io::empty_var_context>();
  std::ifstream in(path);
  if (!in) throw std::runtime_error("Can't open specified file, \"" + path + "\"");
  if (!ends_with(path, ".json")) {
    std::cerr << "Warning: file '" << path << "' is read as an R dump,\n"
              << "  a format that Stan has deprecated.\n"
              << "  Please use JSON, in a file whose name ends in .json.\n";
    return std::make_shared<stan::io::dump>(in);
  }
  try {
    return std::make_shared<stan::json::json_data>(in);
  } catch (const std::exception& error) {
    throw std::runtime_error(std::string(error.what()) + "\n  in file \"" + path + "\"");
  }
}

ContextPtr read_metric(const std::string& path) {
  if (!ends_with(path, ".json")) return read_context(path);
  std::ifstream in(path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  // Stan's reader takes no text, and the type tells nothing that the shape does not.
  const std::size_t type = text.find("\"metric_type\"");
  const std::size_t open = text.find('"', text.find(':', type));
  const std::size_t close = text.find('"', open + 1);
  if (type == std::string::npos || close == std::string::npos) return read_context(path);
  std::istringstream numbers(text.replace(open, close + 1 - open, "0"));
  return std::make_shared<stan::json::json_data>(numbers);
}

std::vector<ContextPtr> read_contexts(const std::string& path, unsigned int first,
                                      std::size_t chains,
                                      ContextPtr (*read)(const std::string&)) {
  const std::vector<std::string> names = numbered_inputs(path, first, chains);
  std::vector<ContextPtr> contexts;
  for (const std::string& name : names)
    contexts.push_back(!contexts.empty() && name == names[0] ? contexts[0]
                                                             : read(name));
  return contexts;
}

Inits read_inits(const Session& session, std::size_t chains) {
  const std::string& init = session.arguments["init"].text();
  Value radius = 2.0;
  const Range range{0, std::numeric_limits<double>::infinity()};
  const bool number = read_value(init, {}, radius);
  if (number && !range.contains(std::get<double>(radius)))
    throw std::runtime_error(init + " is not a valid radius for \"init\"");
  return {read_contexts(number ? "" : init, session.id(), chains),
          std::get<double>(radius)};
}

Eigen::MatrixXd read_parameters(const Session& session, const std::string& path,
                                const std::string& argument) {
  const DrawsCsv csv = read_draws(path);
  const std::vector<std::string> names = session.parameter_names();
  std::size_t first = 0;
  while (first < csv.names.size() && ends_with(csv.names[first], "__")) ++first;
  bool match = first + names.size() <= csv.names.size();
  for (std::size_t i = 0; match && i < names.size(); ++i)
    match = csv.names[first + i] == names[i];
  if (!match)
    throw std::runtime_error("Mismatch between model and " + argument + " csv file \"" +
                             path + "\"");
  if (csv.rows.empty())
    throw std::runtime_error("The " + argument + " csv file \"" + path +
                             "\" has no rows of values");
  Eigen::MatrixXd values(csv.rows.size(), names.size());
  for (Eigen::Index i = 0; i < values.rows(); ++i)
    for (Eigen::Index j = 0; j < values.cols(); ++j)
      values(i, j) = csv.rows[i][first + j];
  return values;
}

Eigen::VectorXd unconstrain(const Session& session, const stan::io::var_context& values) {
  Eigen::VectorXd unconstrained;
  session.model->transform_inits(values, unconstrained, &std::cout);
  return unconstrained;
}

Eigen::VectorXd unconstrain(const Session& session, const Eigen::VectorXd& row) {
  Eigen::VectorXd unconstrained;
  session.model->unconstrain_array(row, unconstrained, &std::cout);
  return unconstrained;
}

}  // namespace driver
