internal import Cairn

extension YAMLSection {
  /// The secret `token`, or the one in the file that `token_file` names; nil, with a report, when it
  /// cannot be sent.
  func token() -> Secret? {
    guard let word = secret("token") else { return nil }
    let token = Secret(word)
    guard let problem = token.isEmpty ? "it is empty" : token.problem else { return token }
    report(has("token") ? "token" : "token_file", problem)
    return nil
  }
}
