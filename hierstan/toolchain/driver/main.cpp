// The command line of a compiled Stan program: reads the arguments, builds the model,
// hands over to one method.
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <map>

#include <stan/math/prim/core/init_threadpool_tbb.hpp>
#include <stan/math/rev/core/profiling.hpp>
#include <stan/version.hpp>

#include "checks.hpp"
#include "describe.hpp"
#include "inputs.hpp"
#include "parser.hpp"
#include "session.hpp"
#include "table.hpp"

// Provided by the object that stanc's C++ is compiled to.
stan::model::model_base& new_model(stan::io::var_context& data, unsigned int seed,
                                   std::ostream* messages);
stan::math::profile_map& get_stan_profile_data();

namespace driver {
namespace {

#ifdef STAN_THREADS
constexpr bool threaded = true;
#else
constexpr bool threaded = false;
#endif
#ifdef STAN_NO_RANGE_CHECKS
constexpr bool no_range_checks = true;
#else
constexpr bool no_range_checks = false;
#endif
#ifdef STAN_CPP_OPTIMS
constexpr bool cpp_optims = true;
#else
constexpr bool cpp_optims = false;
#endif

// What this build is, for `EXE info`.
void print_info() {
  std::cout << std::boolalpha << "stan_version_major = " << stan::MAJOR_VERSION << "\n"
            << "stan_version_minor = " << stan::MINOR_VERSION << "\n"
            << "stan_version_patch = " << stan::PATCH_VERSION << "\n"
            << "STAN_THREADS=" << threaded << "\n"
            << "STAN_MPI=false\n"
            << "STAN_OPENCL=false\n"
            << "STAN_NO_RANGE_CHECKS=" << no_range_checks << "\n"
            << "STAN_CPP_OPTIMS=" << cpp_optims << std::endl;
}

// stan::math::init_threadpool_tbb, without which an unthreaded build would run chains in
// parallel over one autodiff stack.
void start_threads(const Argument& root) {
  const Argument& argument = root["num_threads"];
  const long long threads = argument.integer();
  const char* environment = threaded ? std::getenv("STAN_NUM_THREADS") : nullptr;
  if (threads == 0)
    throw std::runtime_error("0 is not a valid value for \"num_threads\"");
  if (environment != nullptr && !argument.is_default() && std::string(environment) != "1" &&
      std::to_string(threads) != environment)
    throw std::runtime_error("STAN_NUM_THREADS=" + std::string(environment) +
                             " and num_threads=" + std::to_string(threads) + " disagree");
  stan::math::init_threadpool_tbb(static_cast<int>(threads));
}

unsigned int choose_seed(Argument& seed) {
  if (seed.integer() >= 0) return static_cast<unsigned int>(seed.integer());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto clock = static_cast<unsigned int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  seed.shown = std::to_string(clock);
  return clock;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", std::gmtime(&now));
  return text;
}

void write_profile(const std::string& path) {
  const stan::math::profile_map& profiles = get_stan_profile_data();
  if (profiles.empty()) return;
  const auto file = open_output(path, -1);
  if (!file) return;
  *file << "name,thread_id,total_time,forward_time,reverse_time,chain_stack,"
           "no_chain_stack,autodiff_calls,no_autodiff_calls\n";
  for (const auto& [key, profile] : profiles)
    *file << key.first << "," << key.second << ","
          << profile.get_fwd_time() + profile.get_rev_time() << ","
          << profile.get_fwd_time() << "," << profile.get_rev_time() << ","
          << profile.get_chain_stack_used() << "," << profile.get_nochain_stack_used()
          << "," << profile.get_num_rev_passes() << ","
          << profile.get_num_no_AD_fwd_passes() << "\n";
  if (!file->flush()) throw std::runtime_error("Writing to file \"" + path + "\" failed");
}

int run_method(Session& session) {
  static const std::map<std::string, int (*)(Session&)> methods{
      {"sample", run_sample},
      {"optimize", run_optimize},
      {"variational", run_variational},
      {"pathfinder", run_pathfinder},
      {"laplace", run_laplace},
      {"generate_quantities", run_generate_quantities},
      {"log_prob", run_log_prob},
      {"diagnose", run_diagnose},
  };
  return methods.at(session.method().name)(session);
}

int run(Argument root) {
  start_threads(root);
  check_arguments(root);
  Session session;
  session.seed = choose_seed(*root.find("random")->find("seed"));
  session.arguments = std::move(root);
  session.started = utc_now();
  for (const std::string& line : describe(session.arguments)) std::cout << line << "\n";
  std::cout << std::endl;
  const ContextPtr data = read_context(session.arguments["data"]["file"].text());
  session.model.reset(&new_model(*data, session.seed, &std::cout));
  const int code = run_method(session);
  write_profile(session.output()["profile_file"].text());
  return code == 0 ? 0 : 1;
}

// CmdStanPy takes lines that begin with `Er` or `Ex` for errors.
std::string as_error(const std::string& message) {
  const std::string start = message.substr(0, 2);
  return start == "Er" || start == "Ex" ? message : "Error: " + message;
}

void print_usage(const std::string& program) {
  std::cout << "Usage: " << program << " <method> [argument ...]\n"
            << "   or: " << program << " info\n"
            << "Methods: " << legal_values(make_arguments(1, threaded)["method"]) << "\n"
            << "`" << program << " help` and `" << program
            << " <method> help-all` list the arguments." << std::endl;
}

int main_with(const std::string& program, const std::vector<std::string>& tokens) {
  if (tokens.empty()) {
    print_usage(program);
    return 1;
  }
  if (tokens.size() == 1 && tokens[0] == "info") {
    print_info();
    return 0;
  }
  Argument root = make_arguments(stan::math::internal::get_num_threads(), threaded);
  try {
    Parser(root, tokens).parse();
  } catch (const HelpRequest& request) {
    if (request.about.name.empty()) print_usage(program);
    print_help(request.about, request.everything, 0, std::cout);
    return 0;
  } catch (const ParseError& error) {
    std::cerr << error.what() << "\nFailed to parse command arguments, cannot run model."
              << std::endl;
    return 1;
  }
  return run(std::move(root));
}

}  // namespace
}  // namespace driver

int main(int argc, const char* argv[]) {
  try {
    return driver::main_with(argv[0], std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << driver::as_error(error.what()) << std::endl;
    return 1;
  }
}
