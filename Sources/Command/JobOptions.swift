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
  ///
  /// - Throws: `ConfigurationError` where the file cannot be read.
  func settings() throws -> Settings {
    var settings = Settings()
    try lay(over: &settings)
    return settings
  }

  /// Lays the file's values and then the flags given over settings that were before.
  ///
  /// - Throws: like `settings()`.
  func lay(over settings: inout Settings) throws {
    if let config { settings = try ConfigurationFile.read(config, over: settings) }
    input.override(&settings.data)
    model.override(&settings.model)
    optimization.override(&settings.optimization)
    cluster.override(&settings.cluster)
    if let runDir { settings.runDirectory = runDir }
  }
}
