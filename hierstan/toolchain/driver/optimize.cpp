// method=optimize: stan::services::optimize::{bfgs, lbfgs, newton};
// method=laplace: stan::services::laplace_sample.
#include <stan/services/optimize/bfgs.hpp>
#include <stan/services/optimize/laplace_sample.hpp>
#include <stan/services/optimize/lbfgs.hpp>
#include <stan/services/optimize/newton.hpp>

#include "draws_csv.hpp"
#include "file_name.hpp"
#include "inputs.hpp"
#include "session.hpp"

namespace driver {
namespace {

namespace optimization = stan::services::optimize;
using Model = stan::model::model_base;

// stan::services::optimize::{newton, bfgs, lbfgs}.
template <bool jacobian>
int optimize(Session& session, const Inits& inits, CsvWriter& draws) {
  const Argument& method = session.method();
  const Argument& search = method["algorithm"];
  const int iterations = method["iter"].number();
  const bool save = method["save_iterations"].flag();
  stan::callbacks::writer init_writer;
  if (search.text() == "newton")
    return optimization::newton<Model, jacobian>(
        *session.model, *inits.contexts[0], session.seed, session.id(), inits.radius,
        iterations, save, session.interrupt, session.console, init_writer, draws);
  if (search.text() == "bfgs")
    return optimization::bfgs<Model, jacobian>(
        *session.model, *inits.contexts[0], session.seed, session.id(), inits.radius,
        search["init_alpha"].real(), search["tol_obj"].real(), search["tol_rel_obj"].real(),
        search["tol_grad"].real(), search["tol_rel_grad"].real(), search["tol_param"].real(),
        iterations, save, session.refresh(), session.interrupt, session.console, init_writer,
        draws);
  return optimization::lbfgs<Model, jacobian>(
      *session.model, *inits.contexts[0], session.seed, session.id(), inits.radius,
      search["history_size"].number(), search["init_alpha"].real(), search["tol_obj"].real(),
      search["tol_rel_obj"].real(), search["tol_grad"].real(), search["tol_rel_grad"].real(),
      search["tol_param"].real(), iterations, save, session.refresh(), session.interrupt,
      session.console, init_writer, draws);
}

// The mode on the unconstrained scale. Of a CSV the last row counts: saved iterations
// come before the optimum.
Eigen::VectorXd read_mode(const Session& session, const std::string& path) {
  if (!ends_with(path, ".csv")) return unconstrain(session, *read_context(path));
  const auto settings = read_draws(path).settings;
  const auto method = settings.find("method");
  if (method == settings.end() || method->second != "optimize")
    throw std::runtime_error("The mode file \"" + path +
                             "\" was not written by method = optimize");
  const Eigen::MatrixXd rows = read_parameters(session, path, "mode");
  return unconstrain(session, Eigen::VectorXd(rows.row(rows.rows() - 1).transpose()));
}

}  // namespace

int run_optimize(Session& session) {
  CsvWriter draws = session.draws_writer();
  const Inits inits = read_inits(session, 1);
  session.write_config();
  session.write_header(draws);
  const int code = session.method()["jacobian"].flag()
                       ? optimize<true>(session, inits, draws)
                       : optimize<false>(session, inits, draws);
  draws.finish();
  return code;
}

// stan::services::laplace_sample.
int run_laplace(Session& session) {
  const Argument& method = session.method();
  CsvWriter draws = session.draws_writer();
  const std::string& diagnostic = session.output()["diagnostic_file"].text();
  JsonWriter hessian =
      session.json_writer(diagnostic.empty() ? "" : FileName(diagnostic).stem + ".json");
  const Eigen::VectorXd mode = read_mode(session, method["mode"].text());
  session.write_config();
  session.write_header(draws);
  const int count = method["draws"].number();
  const bool lp = method["calculate_lp"].flag();
  const int code =
      method["jacobian"].flag()
          ? stan::services::laplace_sample<true>(
                *session.model, mode, count, lp, session.seed, session.refresh(),
                session.interrupt, session.console, draws, hessian)
          : stan::services::laplace_sample<false>(
                *session.model, mode, count, lp, session.seed, session.refresh(),
                session.interrupt, session.console, draws, hessian);
  draws.finish();
  return code;
}

}  // namespace driver
