// dromos-spam-eval: trains the spam model on a folder of labelled mail, scores another, and prints the
// figures.
//
//   dromos-spam-eval --train DIR/train --eval DIR/dev [--skip PREFIX] [--epochs N] [--scores OUT.tsv]
//
// A folder holds ham/ and spam/ with one message a file. A file name of the form GROUP__ID names the
// message's source;
// --skip leaves a source out of training. --scores writes one line a message: path, label, score, verdict,
// source, seconds. Nothing is stored and nothing leaves the process.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "common/base/strings.h"
#include "spamd/service/trainer.h"

namespace {

using namespace dromos;
using namespace dromos::spamd;
namespace fs = std::filesystem;

struct Options {
  fs::path train;
  fs::path eval;
  fs::path scores;
  std::vector<std::string> skip;
  int epochs = 12;
};

struct Mail {
  std::string path;
  std::string source;
  bool spam = false;
  std::string raw;
};

struct Scored {
  bool spam = false;
  double score = 0;
  double probability = 0;
};

std::string source_of(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.substr(0, name.find("__"));
}

template <class Visit>
void each_mail(const fs::path& folder, const Options& options, bool skipping, Visit visit) {
  for (const bool spam : {false, true}) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder / (spam ? "spam" : "ham")))
      files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      Mail mail;
      mail.source = source_of(file);
      if (skipping && std::find(options.skip.begin(), options.skip.end(), mail.source) != options.skip.end())
        continue;
      mail.path = (folder.filename() / (spam ? "spam" : "ham") / file.filename()).string();
      mail.spam = spam;
      std::ifstream in(file, std::ios::binary);
      mail.raw.assign(std::istreambuf_iterator<char>(in), {});
      visit(mail);
    }
  }
}

/// Near-duplicates by subject: the same words, whatever the numbers.
uint64_t group_of_mail(const MailView& view, const std::string& path) {
  std::string words;
  for (const char c : view.value("subject")) {
    if (is_alpha(c) || (c & 0x80) != 0) words.push_back(ascii_lower(c));
  }
  if (words.starts_with("re") && words.size() > 6) words.erase(0, 2);
  return hash_bytes(words.size() < 8 ? path : words);
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double caught_at(const std::vector<Scored>& all, double share) {
  std::vector<double> ham;
  size_t spam = 0;
  for (const Scored& s : all) {
    if (s.spam)
      ++spam;
    else
      ham.push_back(s.score);
  }
  std::sort(ham.rbegin(), ham.rend());
  const auto allowed = static_cast<size_t>(std::floor(share * static_cast<double>(ham.size()) + 1e-9));
  size_t caught = 0;
  for (const Scored& s : all) caught += s.spam && (allowed >= ham.size() || s.score > ham[allowed]);
  return spam == 0 ? 0 : 100.0 * static_cast<double>(caught) / static_cast<double>(spam);
}

void print_calibration(const std::vector<Scored>& all) {
  std::puts("calibration: probability given, share of spam found, messages");
  for (int bin = 0; bin < 10; ++bin) {
    double given = 0;
    size_t count = 0;
    size_t spam = 0;
    for (const Scored& s : all) {
      if (std::min(9, static_cast<int>(s.probability * 10)) != bin) continue;
      given += s.probability;
      ++count;
      spam += s.spam;
    }
    if (count > 0)
      std::printf("  %.3f  %.3f  %zu\n", given / static_cast<double>(count),
                  static_cast<double>(spam) / static_cast<double>(count), count);
  }
}

void print_figures(const std::vector<Scored>& all) {
  size_t ham = 0, spam = 0, false_positive = 0, caught = 0;
  for (const Scored& s : all) {
    (s.spam ? spam : ham)++;
    const bool verdict = verdict_of(s.probability, {}) == Verdict::spam;
    (s.spam ? caught : false_positive) += verdict;
  }
  std::printf("messages: %zu ham, %zu spam\n", ham, spam);
  std::printf("spam caught at false positives of 0.1%%: %.2f%%  0.5%%: %.2f%%  1%%: %.2f%%\n",
              caught_at(all, 0.001), caught_at(all, 0.005), caught_at(all, 0.01));
  std::printf("at the spam threshold: caught %zu of %zu, false positives %zu of %zu\n", caught, spam,
              false_positive, ham);
  print_calibration(all);
}

int run(const Options& options) {
  std::vector<Example> examples;
  each_mail(options.train, options, true, [&](const Mail& mail) {
    const MailView view = view_mail(mail.raw);
    examples.push_back(make_example(extract(view, {}), mail.spam, group_of_mail(view, mail.path)));
  });
  const double before = cpu_seconds();
  const size_t trained = examples.size();
  const Model model = Trainer(std::move(examples), {.epochs = options.epochs, .folds = 5}).train();
  std::printf("trained on %zu messages in %.1f s CPU: %zu tokens, %.1f MB, calibration %.3f %+.3f\n", trained,
              cpu_seconds() - before, model.weights.size(),
              static_cast<double>(model.weights.memory_bytes()) / 1e6, model.calibration.scale,
              model.calibration.offset);
  std::ofstream scores;
  if (!options.scores.empty()) scores.open(options.scores);
  std::vector<Scored> all;
  std::map<std::string, std::vector<Scored>> by_era;
  double seconds = 0;
  size_t bytes = 0;
  each_mail(options.eval, options, false, [&](const Mail& mail) {
    const double start = cpu_seconds();
    const Score score = model.score(extract(mail.raw, {}));
    const double took = cpu_seconds() - start;
    seconds += took;
    bytes += mail.raw.size();
    all.push_back({mail.spam, score.log_odds, score.probability});
    const Verdict verdict = verdict_of(score.probability, {});
    scores << mail.path << '\t' << (mail.spam ? "spam" : "ham") << '\t' << score.log_odds << '\t'
           << (verdict == Verdict::spam  ? "spam"
               : verdict == Verdict::ham ? "ham"
                                         : "unsure")
           << '\t' << mail.source << '\t' << took << '\n';
  });
  print_figures(all);
  std::printf("scan: %.3f ms CPU a message of %.1f KB on average\n",
              1000 * seconds / static_cast<double>(all.size()),
              static_cast<double>(bytes) / 1024 / static_cast<double>(all.size()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--train")
      options.train = value;
    else if (name == "--eval")
      options.eval = value;
    else if (name == "--scores")
      options.scores = value;
    else if (name == "--skip")
      options.skip.push_back(value);
    else if (name == "--epochs")
      options.epochs = parse_number<int>(value).value_or(0);
    else
      options.epochs = 0;
  }
  if (argc % 2 == 0 || options.train.empty() || options.eval.empty() || options.epochs < 1) {
    std::fputs(
        "usage: dromos-spam-eval --train DIR --eval DIR [--skip SOURCE]... [--epochs N] [--scores OUT.tsv]\n",
        stderr);
    return 2;
  }
  return run(options);
}
