import Wire

/// What a table's steps came to since the epoch began.
package typealias Totals = StepTotals
