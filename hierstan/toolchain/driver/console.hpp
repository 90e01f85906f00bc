// Messages of the services on the console: whole lines, whatever thread they come from.
#pragma once

#include <iostream>
#include <mutex>
#include <sstream>
#include <string>

#include <stan/callbacks/logger.hpp>

namespace driver {

class Console final : public stan::callbacks::logger {
 public:
  void debug(const std::string& message) override { line(std::cout, message); }
  void info(const std::string& message) override { line(std::cout, message); }
  void warn(const std::string& message) override { line(std::cout, message); }
  void error(const std::string& message) override { line(std::cerr, message); }
  void fatal(const std::string& message) override { line(std::cerr, message); }

  void debug(const std::stringstream& message) override { debug(message.str()); }
  void info(const std::stringstream& message) override { info(message.str()); }
  void warn(const std::stringstream& message) override { warn(message.str()); }
  void error(const std::stringstream& message) override { error(message.str()); }
  void fatal(const std::stringstream& message) override { fatal(message.str()); }

 private:
  // Flushed one by one: CmdStanPy reads progress from these lines while we run.
  void line(std::ostream& out, const std::string& message) {
    const std::lock_guard<std::mutex> lock(mutex_);
    out << message + "\n" << std::flush;
  }

  std::mutex mutex_;
};

}  // namespace driver
