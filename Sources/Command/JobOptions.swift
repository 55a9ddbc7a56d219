import ArgumentParser
import Job

/// The flags that say what to train. Each overrides its key in the configuration file.
struct JobOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A YAML file with the keys named like these flags.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Where the run leaves its files. Default: a new directory in runs/.", valueName: "dir"))
  var runDir: String?

  @OptionGroup(title: "Data") var input: InputOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Optimization") var optimization: OptimizationOptions
  @OptionGroup(title: "Cluster") var cluster: ClusterOptions

  /// The file's values, overridden by the flags given.
  func configuration() throws -> JobConfiguration {
    var job = try config.map { try ConfigurationFile.read($0) } ?? JobConfiguration()
    input.override(&job)
    model.override(&job)
    optimization.override(&job)
    cluster.override(&job)
    if let runDir { job.runDirectory = runDir }
    guard !job.train.isEmpty else {
      throw ConfigurationError.invalid(
        key: "train", value: "nothing", reason: "name the training data with --train FILE")
    }
    try job.validate()
    return job
  }
}
