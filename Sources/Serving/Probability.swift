import Glibc

/// The logistic function.
public enum Probability {
  public static func of(_ logit: Float) -> Float { 1 / (1 + exp(-logit)) }
}
