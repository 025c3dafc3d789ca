import LocalHTTP
import Logging

/// Docker's calls, and what else the socket answers.
struct DockerCalls: LocalService {
    let caller: PluginCaller
    let scope: VolumeScope
    let metrics: OperationMetrics
    let logger: Logger

    func take(_ request: Request) -> Taken<DockerCall> {
        switch Routes.find(request.target) {
        case .failure(let failure): .answered(refuse(.routing(failure)))
        case .success(.health): .call(DockerCall(work: .health, calls: self))
        case .success(.metrics): .call(DockerCall(work: .metrics, calls: self))
        case .success(.operation(let operation)): take(operation, body: request.body)
        }
    }

    func refuse(_ fault: RequestFault, of target: RequestTarget?) -> Answer {
        let route = target.flatMap { try? Routes.find($0).get() }
        return switch fault {
        case .tooLarge(let limit): refuse(.tooLarge(route, limit: limit))
        case .notHTTP(let why): refuse(.notHTTP(route, why: why))
        }
    }

    private func take(_ operation: Operation, body: [UInt8]) -> Taken<DockerCall> {
        do throws(BadRequest) {
            guard let request = try VolumeRequest(operation, body: body) else {
                metrics.answered(operation, .ok, after: .zero)
                return .answered(.reply(operation == .activate ? .activated : .capabilities(scope)))
            }
            return .call(DockerCall(work: .volume(operation, request), calls: self))
        } catch {
            return .answered(refuse(.badRequest(error)))
        }
    }

    private func refuse(_ refusal: Refusal) -> Answer {
        if let operation = refusal.operation { metrics.answered(operation, .invalid) }
        logger.info("refused a request", metadata: [LogKey.error: LogKey.shortened(refusal.text)])
        return refusal.answer
    }
}
