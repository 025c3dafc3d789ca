import LocalHTTP

/// What one request has the plugin do.
enum Work: Sendable {
    case volume(Operation, VolumeRequest)
    case health
    case metrics

    /// The call for metrics; reading health and metrics is not counted.
    var operation: Operation? {
        if case .volume(let operation, _) = self { operation } else { nil }
    }

    var volume: String? {
        if case .volume(_, let request) = self { request.volume } else { nil }
    }

    /// What the client gets when the budget has run out before the work has. A Get gets nothing, because an error would
    /// say that there is no such volume.
    func timeOutAnswer(after budget: Duration) -> Answer {
        switch self {
        case .volume(.get, _): .hangUp
        case .volume(let operation, _):
            .reply(.error("\(operation.title)\(named) is still running after \(budget.inSeconds). \(consequence)"))
        case .health:
            .reply(.error("the health check is still running after \(budget.inSeconds)", status: .serviceUnavailable))
        case .metrics: .reply(.error("the metrics are still being collected after \(budget.inSeconds)"))
        }
    }

    private var named: String {
        volume.map { " of volume '\($0.prefix(100))'" } ?? ""
    }

    private var consequence: String {
        switch operation {
        case .mount:
            "It goes on in the background, and the plugin undoes it when it ends, because the container of this call "
                + "does not get it. Try again; the log says what it waits for."
        default: "It goes on in the background. Try again to see how it ended; the log says what it waits for."
        }
    }
}

extension Duration {
    /// For error texts: `25 s`, `0.5 s`.
    var inSeconds: String {
        let (whole, attoseconds) = components
        guard attoseconds != 0 else { return "\(whole) s" }
        return "\(Double(whole) + Double(attoseconds) / 1e18) s"
    }
}
