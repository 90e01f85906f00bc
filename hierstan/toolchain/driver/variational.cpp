// method=variational: stan::services::experimental::advi::{meanfield, fullrank};
// method=pathfinder: stan::services::pathfinder::pathfinder_lbfgs_{single, multi}.
#include <stan/services/experimental/advi/fullrank.hpp>
#include <stan/services/experimental/advi/meanfield.hpp>
#include <stan/services/pathfinder/multi.hpp>
#include <stan/services/pathfinder/single.hpp>

#include "file_name.hpp"
#include "inputs.hpp"
#include "session.hpp"

namespace driver {
namespace {

// Where the files of single paths go: beside the diagnostic file, or the output file.
std::string path_stem(const Session& session) {
  const std::string& diagnostic = session.output()["diagnostic_file"].text();
  return FileName(diagnostic.empty() ? session.output_file() : diagnostic).stem;
}

// stan::services::pathfinder::pathfinder_lbfgs_single.
int run_single_path(Session& session, const Inits& inits, CsvWriter& draws, bool save) {
  const Argument& m = session.method();
  JsonWriter iterations = session.json_writer(save ? path_stem(session) + ".json" : "");
  stan::callbacks::writer init_writer;
  return stan::services::pathfinder::pathfinder_lbfgs_single<false>(
      *session.model, *inits.contexts[0], session.seed, session.id(), inits.radius,
      m["history_size"].number(), m["init_alpha"].real(), m["tol_obj"].real(),
      m["tol_rel_obj"].real(), m["tol_grad"].real(), m["tol_rel_grad"].real(),
      m["tol_param"].real(), m["max_lbfgs_iters"].number(), m["num_elbo_draws"].number(),
      m["num_draws"].number(), save, session.refresh(), session.interrupt, session.console,
      init_writer, draws, iterations, m["calculate_lp"].flag());
}

// stan::services::pathfinder::pathfinder_lbfgs_multi.
int run_paths(Session& session, const Inits& inits, CsvWriter& draws, bool save) {
  const Argument& m = session.method();
  const int paths = m["num_paths"].number();
  std::vector<stan::callbacks::writer> init_writers(paths);
  std::vector<CsvWriter> path_draws;
  std::vector<JsonWriter> path_iterations;
  for (int i = 0; i < paths; ++i) {
    const std::string name =
        path_stem(session) + "_path_" + std::to_string(session.id() + i);
    path_draws.emplace_back(save ? name + ".csv" : "", session.sig_figs());
    path_iterations.push_back(session.json_writer(save ? name + ".json" : ""));
    if (save) session.write_header(path_draws.back());
  }
  JsonWriter no_iterations;
  return stan::services::pathfinder::pathfinder_lbfgs_multi(
      *session.model, inits.contexts, session.seed, session.id(), inits.radius,
      m["history_size"].number(), m["init_alpha"].real(), m["tol_obj"].real(),
      m["tol_rel_obj"].real(), m["tol_grad"].real(), m["tol_rel_grad"].real(),
      m["tol_param"].real(), m["max_lbfgs_iters"].number(), m["num_elbo_draws"].number(),
      m["num_draws"].number(), m["num_psis_draws"].number(), paths, save, session.refresh(),
      session.interrupt, session.console, init_writers, path_draws, path_iterations, draws,
      no_iterations, m["calculate_lp"].flag(), m["psis_resample"].flag());
}

}  // namespace

// stan::services::experimental::advi::{meanfield, fullrank}.
int run_variational(Session& session) {
  const Argument& m = session.method();
  CsvWriter draws = session.draws_writer();
  CsvWriter diagnostics = std::move(
      session.csv_writers(session.output()["diagnostic_file"].text(), 1).front());
  const Inits inits = read_inits(session, 1);
  session.write_config();
  session.write_header(draws);
  session.write_header(diagnostics, true);
  stan::callbacks::writer init_writer;
  const auto call = [&](auto&& service) {
    return service(*session.model, *inits.contexts[0], session.seed, session.id(),
                   inits.radius, m["grad_samples"].number(), m["elbo_samples"].number(),
                   m["iter"].number(), m["tol_rel_obj"].real(), m["eta"].real(),
                   m["adapt"]["engaged"].flag(), m["adapt"]["iter"].number(),
                   m["eval_elbo"].number(), m["output_samples"].number(), session.interrupt,
                   session.console, init_writer, draws, diagnostics);
  };
  namespace advi = stan::services::experimental::advi;
  const int code = m["algorithm"].text() == "meanfield"
                       ? call(advi::meanfield<stan::model::model_base>)
                       : call(advi::fullrank<stan::model::model_base>);
  draws.finish();
  diagnostics.finish();
  return code;
}

int run_pathfinder(Session& session) {
  const Argument& m = session.method();
  if (!session.has_parameters())
    throw std::runtime_error("The model has no parameters, pathfinder cannot be run.");
  CsvWriter draws = session.draws_writer();
  const Inits inits = read_inits(session, m["num_paths"].number());
  session.write_config();
  session.write_header(draws);
  const bool save = m["save_single_paths"].flag() ||
                    !session.output()["diagnostic_file"].text().empty();
  const int code = m["num_paths"].number() == 1
                       ? run_single_path(session, inits, draws, save)
                       : run_paths(session, inits, draws, save);
  draws.finish();
  return code;
}

}  // namespace driver
