import LocalHTTP
import Logging

/// One call: its work, how it is counted, and what the log says of it.
struct DockerCall: LocalCall {
    let work: Work
    let calls: DockerCalls

    func perform() async -> Completion { await calls.caller.perform(work) }

    func answer(to completion: Completion) -> Answer { completion.answer }

    func timeOutAnswer(after budget: Duration) -> Answer { work.timeOutAnswer(after: budget) }

    // MARK: Mounts that nobody waits for

    func isUndone(unheard completion: Completion) -> Bool { completion.mounted != nil }

    func undo(_ completion: Completion, because why: CallProgress.Abandonment) async {
        guard let mount = completion.mounted else { return }
        var logger = calls.logger
        logger[metadataKey: LogKey.volume] = LogKey.shortened(mount.name)
        logger[metadataKey: LogKey.mountID] = LogKey.shortened(mount.id)
        logger.warning("undoing a mount that no client waits for", metadata: [LogKey.reason: "\(why.rawValue)"])
        do {
            try await calls.caller.plugin.unmount(name: mount.name, id: mount.id)
            logger.notice("undid a mount that no client waited for")
        } catch {
            logger.error(
                "could not undo a mount that no client waits for; the volume stays mounted on this node",
                metadata: [LogKey.error: "\(error)"])
        }
    }

    // MARK: What is told about it

    func note(_ event: CallEvent<Completion>, after elapsed: Duration) {
        switch event {
        case .workBegan: work.operation.map(calls.metrics.workBegan)
        case .budgetRanOut:
            count(.timeout, elapsed)
            log.warning("the call is still running after its time limit; it goes on in the background")
        case .clientLeft:
            count(.abandoned, elapsed)
            log.info("the client disconnected before its call ended")
        case .workEnded(let completion):
            work.operation.map(calls.metrics.workEnded)
            log(completion)
        case .answered(let completion): count(completion.outcome, elapsed)
        case .endedUnheard(let why):
            log.notice("a call ended that no client waited for", metadata: [LogKey.reason: "\(why.rawValue)"])
        }
    }

    private func count(_ outcome: OperationOutcome, _ elapsed: Duration) {
        guard let operation = work.operation else { return }
        calls.metrics.answered(operation, outcome, after: elapsed)
    }

    private var log: Logger {
        var logger = calls.logger
        logger[metadataKey: LogKey.operation] = work.operation.map { "\($0.rawValue)" }
        logger[metadataKey: LogKey.volume] = work.volume.map(LogKey.shortened)
        return logger
    }

    /// Docker asks about volumes of other drivers all the time: a Get that finds nothing is no event.
    private func log(_ completion: Completion) {
        guard let failure = completion.failure else { return log.debug("call done") }
        let isExpected = work.operation == .get && completion.answer != .hangUp
        log.log(level: isExpected ? .debug : .warning, "call failed", metadata: [LogKey.error: "\(failure)"])
    }
}
