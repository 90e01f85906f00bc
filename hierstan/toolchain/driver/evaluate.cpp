// Methods that evaluate a model at given values:
// generate_quantities: stan::services::standalone_generate;
// log_prob: stan::model::log_prob_grad, row by row;
// diagnose: stan::services::diagnose::diagnose.
#include <stan/model/log_prob_grad.hpp>
#include <stan/services/diagnose/diagnose.hpp>
#include <stan/services/sample/standalone_gqs.hpp>

#include "checks.hpp"
#include "file_name.hpp"
#include "inputs.hpp"
#include "session.hpp"

namespace driver {
namespace {

// Points of log_prob on the unconstrained scale, one per row of the file.
std::vector<Eigen::VectorXd> read_unconstrained(const Session& session,
                                                const std::string& path) {
  const ContextPtr context = read_context(path);
  const std::vector<double> values = context->vals_r("params_r");
  const std::vector<std::size_t> dims = context->dims_r("params_r");
  const std::size_t size = session.model->num_params_r();
  if (dims.empty() || dims.size() > 2 || dims.back() != size)
    throw std::runtime_error("File \"" + path + "\" must have a variable params_r of " +
                             std::to_string(size) + " values, or an array of such rows");
  const std::size_t count = dims.size() == 2 ? dims[0] : 1;
  std::vector<Eigen::VectorXd> points(count, Eigen::VectorXd(size));
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < size; ++j) points[i](j) = values[i + j * count];
  return points;
}

std::vector<Eigen::VectorXd> read_points(const Session& session) {
  const std::string& unconstrained = session.method()["unconstrained_params"].text();
  const std::string& constrained = session.method()["constrained_params"].text();
  if (!unconstrained.empty()) return read_unconstrained(session, unconstrained);
  if (!ends_with(constrained, ".csv"))
    return {unconstrain(session, *read_context(constrained))};
  const Eigen::MatrixXd rows = read_parameters(session, constrained, "constrained_params");
  std::vector<Eigen::VectorXd> points;
  for (Eigen::Index i = 0; i < rows.rows(); ++i)
    points.push_back(unconstrain(session, Eigen::VectorXd(rows.row(i).transpose())));
  return points;
}

// stan::model::log_prob_grad at one point.
double log_density(const Session& session, Eigen::VectorXd& point,
                   Eigen::VectorXd& gradient) {
  using stan::model::log_prob_grad;
  return session.method()["jacobian"].flag()
             ? log_prob_grad<true, true>(*session.model, point, gradient, &std::cout)
             : log_prob_grad<true, false>(*session.model, point, gradient, &std::cout);
}

// Draws of each file; the files of several chains are numbered like those of sample.
std::vector<Eigen::MatrixXd> read_fits(const Session& session, std::size_t chains) {
  std::vector<Eigen::MatrixXd> fits;
  for (const std::string& name :
       chain_files(session.method()["fitted_params"].text(), session.id(), chains))
    fits.push_back(read_parameters(session, name, "fitted_parameters"));
  return fits;
}

}  // namespace

// stan::services::standalone_generate, for one file or several.
int run_generate_quantities(Session& session) {
  const auto chains = static_cast<std::size_t>(session.method()["num_chains"].integer());
  const std::vector<Eigen::MatrixXd> fits = read_fits(session, chains);
  std::vector<std::string> names;
  session.model->constrained_param_names(names, false, true);
  refuse_unless(names.size() > session.parameter_names().size(),
                "Model doesn't generate any quantities of interest.");
  std::vector<CsvWriter> draws = session.csv_writers(session.output_file(), chains);
  session.write_config();
  for (CsvWriter& writer : draws) {
    session.write_header(writer);
    writer.skip(session.parameter_names().size());
  }
  const int code = stan::services::standalone_generate(
      *session.model, static_cast<int>(chains), fits, session.seed, session.interrupt,
      session.console, draws);
  for (CsvWriter& writer : draws) writer.finish();
  return code;
}

// No service: log_density for each point.
int run_log_prob(Session& session) {
  std::vector<Eigen::VectorXd> points = read_points(session);
  CsvWriter out = session.draws_writer();
  session.write_config();
  session.write_header(out);
  std::vector<std::string> unconstrained;
  session.model->unconstrained_param_names(unconstrained, false, false);
  std::vector<std::string> names{"lp__"};
  for (const std::string& name : unconstrained) names.push_back("g_" + name);
  out(names);
  Eigen::VectorXd gradient;
  for (Eigen::VectorXd& point : points) {
    std::vector<double> row{log_density(session, point, gradient)};
    row.insert(row.end(), gradient.data(), gradient.data() + gradient.size());
    out(row);
  }
  out.finish();
  return 0;
}

// stan::services::diagnose::diagnose, which returns the number of components that fail.
int run_diagnose(Session& session) {
  const Argument& gradient = session.method()["test"];
  CsvWriter out = session.draws_writer();
  const Inits inits = read_inits(session, 1);
  session.write_config();
  session.write_header(out);
  stan::callbacks::writer init_writer;
  const int failed = stan::services::diagnose::diagnose(
      *session.model, *inits.contexts[0], session.seed, session.id(), inits.radius,
      gradient["epsilon"].real(), gradient["error"].real(), session.interrupt,
      session.console, init_writer, out);
  out.finish();
  return failed;
}

}  // namespace driver
