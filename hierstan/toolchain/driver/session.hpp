// What every method needs: the arguments, the model, the console and the headers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <stan/callbacks/interrupt.hpp>
#include <stan/model/model_base.hpp>

#include "argument.hpp"
#include "console.hpp"
#include "csv_writer.hpp"

namespace driver {

struct Session {
  Argument arguments;
  unsigned int seed = 0;
  std::unique_ptr<stan::model::model_base> model;
  Console console;
  stan::callbacks::interrupt interrupt;
  std::string started;  // UTC

  const Argument& method() const { return arguments["method"].chosen(); }
  const Argument& output() const { return arguments["output"]; }
  unsigned int id() const { return static_cast<unsigned int>(arguments["id"].integer()); }
  int refresh() const { return static_cast<int>(output()["refresh"].integer()); }
  int sig_figs() const { return static_cast<int>(output()["sig_figs"].integer()); }
  const std::string& output_file() const { return output()["file"].text(); }

  // Opens the draws file, or those of several chains, and one file beside each of them.
  CsvWriter draws_writer() const;
  std::vector<CsvWriter> csv_writers(const std::string& path, std::size_t chains) const;

  // The comments above the column names; a diagnostic file has no date and no flags.
  void write_header(CsvWriter& writer, bool diagnostic = false) const;
  // `<output>_config.json`, when asked for.
  void write_config() const;
  // `<output>` with another ending, in JSON; writes nowhere unless wanted.
  JsonWriter json_writer(const std::string& path) const;

  bool has_parameters() const { return model->num_params_r() > 0; }
  std::vector<std::string> parameter_names() const;  // constrained, parameters only
};

// One function per method; each returns the code of the service that it wraps.
int run_sample(Session& session);
int run_optimize(Session& session);
int run_variational(Session& session);
int run_pathfinder(Session& session);
int run_laplace(Session& session);
int run_generate_quantities(Session& session);
int run_log_prob(Session& session);
int run_diagnose(Session& session);

}  // namespace driver
