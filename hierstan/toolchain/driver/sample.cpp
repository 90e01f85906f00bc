// method=sample: stan::services::sample::{hmc_nuts_*, hmc_static_*, fixed_param}.
#include <tuple>

#include <stan/services/sample/fixed_param.hpp>
#include <stan/services/sample/hmc_nuts_dense_e.hpp>
#include <stan/services/sample/hmc_nuts_dense_e_adapt.hpp>
#include <stan/services/sample/hmc_nuts_diag_e.hpp>
#include <stan/services/sample/hmc_nuts_diag_e_adapt.hpp>
#include <stan/services/sample/hmc_nuts_unit_e.hpp>
#include <stan/services/sample/hmc_nuts_unit_e_adapt.hpp>
#include <stan/services/sample/hmc_static_dense_e.hpp>
#include <stan/services/sample/hmc_static_dense_e_adapt.hpp>
#include <stan/services/sample/hmc_static_diag_e.hpp>
#include <stan/services/sample/hmc_static_diag_e_adapt.hpp>
#include <stan/services/sample/hmc_static_unit_e.hpp>
#include <stan/services/sample/hmc_static_unit_e_adapt.hpp>

#include "checks.hpp"
#include "file_name.hpp"
#include "inputs.hpp"
#include "session.hpp"

namespace driver {
namespace {

namespace sampling = stan::services::sample;

// The arguments under the names that the services use.
struct Settings {
  unsigned int seed, id;
  std::size_t chains;
  int num_samples, num_warmup, thin, refresh;
  bool save_warmup, adapt;
  double delta, gamma, kappa, t0;
  unsigned int init_buffer, term_buffer, window;
  double stepsize, jitter;
};

Settings read_settings(const Session& session) {
  const Argument& m = session.method();
  const Argument& adapt = m["adapt"];
  const bool hmc = m["algorithm"].text() == "hmc";
  return {session.seed,
          session.id(),
          static_cast<std::size_t>(m["num_chains"].integer()),
          m["num_samples"].number(),
          m["num_warmup"].number(),
          m["thin"].number(),
          session.refresh(),
          m["save_warmup"].flag(),
          adapt["engaged"].flag(),
          adapt["delta"].real(),
          adapt["gamma"].real(),
          adapt["kappa"].real(),
          adapt["t0"].real(),
          adapt["init_buffer"].natural(),
          adapt["term_buffer"].natural(),
          adapt["window"].natural(),
          hmc ? m["algorithm"]["stepsize"].real() : 0,
          hmc ? m["algorithm"]["stepsize_jitter"].real() : 0};
}

// What the services take once per chain.
struct Chains {
  Inits inits;
  std::vector<ContextPtr> metrics;
  std::vector<stan::callbacks::writer> init_writers;
  std::vector<CsvWriter> draws, diagnostics;
  std::vector<JsonWriter> adapted;
};

Chains open_chains(const Session& session, std::size_t count) {
  Chains chains;
  chains.draws = session.csv_writers(session.output_file(), count);
  chains.diagnostics = session.csv_writers(session.output()["diagnostic_file"].text(), count);
  chains.init_writers.resize(count);
  const bool save = session.method()["adapt"]["save_metric"].flag();
  const std::string base = FileName(session.output_file()).stem + "_metric.json";
  for (const std::string& name : chain_files(save ? base : "", session.id(), count))
    chains.adapted.push_back(session.json_writer(name));
  return chains;
}

std::vector<ContextPtr> read_metrics(const Session& session, const Argument& hmc,
                                     std::size_t chains) {
  const std::string& file = hmc["metric_file"].text();
  if (!file.empty()) return read_contexts(file, session.id(), chains, read_metric);
  const std::size_t size = session.model->num_params_r();
  const auto unit = std::make_shared<stan::io::array_var_context>(
      hmc["metric"].text() == "dense_e"
          ? stan::services::util::create_unit_e_dense_inv_metric(size)
          : stan::services::util::create_unit_e_diag_inv_metric(size));
  return std::vector<ContextPtr>(chains, unit);
}

// The services share most of their arguments: lists of them are joined to each call.
template <class Service, class... Lists>
int call(Service service, const Lists&... lists) {
  return std::apply(service, std::tuple_cat(lists...));
}

// hmc_nuts_{diag,dense,unit}_e[_adapt], the overloads for several chains.
int run_nuts(Session& session, const Argument& hmc, const Settings& s, Chains& c) {
  const int depth = hmc["engine"]["max_depth"].number();
  const auto start = std::tie(*session.model, s.chains, c.inits.contexts);
  const auto from = std::tie(c.metrics);
  const auto run = std::tie(s.seed, s.id, c.inits.radius, s.num_warmup, s.num_samples, s.thin,
                            s.save_warmup, s.refresh, s.stepsize, s.jitter, depth);
  const auto steps = std::tie(s.delta, s.gamma, s.kappa, s.t0);
  const auto windows = std::tie(s.init_buffer, s.term_buffer, s.window);
  const auto out = std::tie(session.interrupt, session.console, c.init_writers, c.draws,
                            c.diagnostics);
  const auto adapted = std::tie(c.adapted);
  const std::string& metric = hmc["metric"].text();
  if (metric == "diag_e" && s.adapt)
    return call([](auto&... x) { return sampling::hmc_nuts_diag_e_adapt(x...); }, start, from,
                run, steps, windows, out, adapted);
  if (metric == "diag_e")
    return call([](auto&... x) { return sampling::hmc_nuts_diag_e(x...); }, start, from, run,
                out);
  if (metric == "dense_e" && s.adapt)
    return call([](auto&... x) { return sampling::hmc_nuts_dense_e_adapt(x...); }, start, from,
                run, steps, windows, out, adapted);
  if (metric == "dense_e")
    return call([](auto&... x) { return sampling::hmc_nuts_dense_e(x...); }, start, from, run,
                out);
  if (s.adapt)
    return call([](auto&... x) { return sampling::hmc_nuts_unit_e_adapt(x...); }, start, run,
                steps, out, adapted);
  return call([](auto&... x) { return sampling::hmc_nuts_unit_e(x...); }, start, run, out);
}

// hmc_static_{diag,dense,unit}_e[_adapt]: one chain.
int run_static(Session& session, const Argument& hmc, const Settings& s, Chains& c) {
  const double time = hmc["engine"]["int_time"].real();
  const auto start = std::tie(*session.model, *c.inits.contexts[0]);
  const auto from = std::tie(*c.metrics[0]);
  const auto run = std::tie(s.seed, s.id, c.inits.radius, s.num_warmup, s.num_samples, s.thin,
                            s.save_warmup, s.refresh, s.stepsize, s.jitter, time);
  const auto steps = std::tie(s.delta, s.gamma, s.kappa, s.t0);
  const auto windows = std::tie(s.init_buffer, s.term_buffer, s.window);
  const auto out = std::tie(session.interrupt, session.console, c.init_writers[0], c.draws[0],
                            c.diagnostics[0]);
  const std::string& metric = hmc["metric"].text();
  if (metric == "diag_e" && s.adapt)
    return call([](auto&... x) { return sampling::hmc_static_diag_e_adapt(x...); }, start,
                from, run, steps, windows, out);
  if (metric == "diag_e")
    return call([](auto&... x) { return sampling::hmc_static_diag_e(x...); }, start, from, run,
                out);
  if (metric == "dense_e" && s.adapt)
    return call([](auto&... x) { return sampling::hmc_static_dense_e_adapt(x...); }, start,
                from, run, steps, windows, out);
  if (metric == "dense_e")
    return call([](auto&... x) { return sampling::hmc_static_dense_e(x...); }, start, from,
                run, out);
  if (s.adapt)
    return call([](auto&... x) { return sampling::hmc_static_unit_e_adapt(x...); }, start, run,
                steps, out);
  return call([](auto&... x) { return sampling::hmc_static_unit_e(x...); }, start, run, out);
}

// fixed_param, the overload for several chains.
int run_fixed_param(Session& session, const Settings& s, Chains& c) {
  return sampling::fixed_param(*session.model, s.chains, c.inits.contexts, s.seed, s.id,
                              c.inits.radius, s.num_samples, s.thin, s.refresh,
                              session.interrupt, session.console, c.init_writers, c.draws,
                              c.diagnostics);
}

}  // namespace

int run_sample(Session& session) {
  const Argument& algorithm = session.method()["algorithm"];
  const Settings s = read_settings(session);
  const bool fixed = algorithm.text() == "fixed_param" || !session.has_parameters();
  refuse_unless(fixed || !s.adapt || s.num_warmup > 0,
                "The number of warmup samples (num_warmup) must be greater than zero if "
                "adaptation is enabled.");
  Chains chains = open_chains(session, s.chains);
  chains.inits = read_inits(session, s.chains);
  if (algorithm.text() == "hmc")
    chains.metrics = read_metrics(session, algorithm.chosen(), s.chains);
  session.write_config();
  for (CsvWriter& writer : chains.draws) session.write_header(writer);
  for (CsvWriter& writer : chains.diagnostics) session.write_header(writer, true);
  if (fixed && algorithm.text() == "hmc")
    session.console.info("Model contains no parameters, running fixed_param sampler, "
                         "no updates to Markov chain");
  const bool nuts = !fixed && algorithm["engine"].text() == "nuts";
  const int code = fixed  ? run_fixed_param(session, s, chains)
                   : nuts ? run_nuts(session, algorithm.chosen(), s, chains)
                          : run_static(session, algorithm.chosen(), s, chains);
  for (CsvWriter& writer : chains.draws) writer.finish();
  for (CsvWriter& writer : chains.diagnostics) writer.finish();
  return code;
}

}  // namespace driver
