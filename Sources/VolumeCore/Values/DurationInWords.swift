extension Duration {
    /// For people: `10 s`, `2.5 s`, `300 ms`. What is longer than a second is rounded to a tenth of one.
    public var inWords: String {
        // What is longer than all of history is not told apart, and does not fit.
        let milliseconds = Int64(min(max(self / .milliseconds(1), -9e15), 9e15).rounded())
        guard abs(milliseconds) >= 1000 else { return "\(milliseconds) ms" }
        let tenths = (milliseconds + 50) / 100
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
}
