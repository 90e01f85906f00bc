#include "session.hpp"

#include <stan/version.hpp>

#include "describe.hpp"
#include "file_name.hpp"

namespace driver {

CsvWriter Session::draws_writer() const {
  return CsvWriter(with_suffix(output_file(), ".csv"), sig_figs());
}

std::vector<CsvWriter> Session::csv_writers(const std::string& path,
                                            std::size_t chains) const {
  std::vector<CsvWriter> writers;
  for (const std::string& name : chain_files(path, id(), chains))
    writers.emplace_back(name, sig_figs());
  return writers;
}

void Session::write_header(CsvWriter& writer, bool diagnostic) const {
  writer("stan_version_major = " + stan::MAJOR_VERSION);
  writer("stan_version_minor = " + stan::MINOR_VERSION);
  writer("stan_version_patch = " + stan::PATCH_VERSION);
  writer("model = " + model->model_name());
  if (!diagnostic) writer("start_datetime = " + started);
  for (const std::string& line : describe(arguments)) writer(line);
  if (diagnostic) return;
  for (const std::string& line : model->model_compile_info()) writer(line);
}

void Session::write_config() const {
  if (!output()["save_cmdstan_config"].flag()) return;
  JsonWriter writer = json_writer(FileName(output_file()).stem + "_config.json");
  writer.begin_record();
  writer.write("stan_major_version", stan::MAJOR_VERSION);
  writer.write("stan_minor_version", stan::MINOR_VERSION);
  writer.write("stan_patch_version", stan::PATCH_VERSION);
  writer.write("model_name", model->model_name());
  writer.write("start_datetime", started);
  for (const Argument& argument : arguments.members) describe_json(argument, writer);
  writer.write("mpi_enabled", false);
  for (const std::string& line : model->model_compile_info()) {
    const std::size_t equals = line.find(" = ");
    if (equals != std::string::npos)
      writer.write(line.substr(0, equals), line.substr(equals + 3));
  }
  writer.end_record();
}

JsonWriter Session::json_writer(const std::string& path) const {
  return JsonWriter(open_output(path, sig_figs()));
}

std::vector<std::string> Session::parameter_names() const {
  std::vector<std::string> names;
  model->constrained_param_names(names, false, false);
  return names;
}

}  // namespace driver
