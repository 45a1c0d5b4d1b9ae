// A QuickFIX acceptor that takes each NewOrderSingle(D) and answers with an ExecutionReport(8): the
// engine that ours is measured beside. Memory store, no log, validation by the dictionary; one
// thread, no matching.
//
//     quickfix-acceptor DICTIONARY PORT COMP_ID...
//
// Tells on standard output when it listens, and serves a session with each CompID until it is ended.

#include <iostream>
#include <sstream>
#include <string>

#include "Application.h"
#include "MessageStore.h"
#include "Session.h"
#include "SessionSettings.h"
#include "SocketAcceptor.h"

namespace {

class Taker : public FIX::Application {
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override {}
  void onLogout(const FIX::SessionID&) override {}
  void toAdmin(FIX::Message&, const FIX::SessionID&) override {}
  void toApp(FIX::Message&, const FIX::SessionID&) noexcept override {}
  void fromAdmin(const FIX::Message&, const FIX::SessionID&) noexcept override {}

  void fromApp(const FIX::Message& order, const FIX::SessionID& session) noexcept override {
    const std::string id = std::to_string(++orders_);
    FIX::Message report;
    report.getHeader().setField(FIX::MsgType("8"));
    report.setField(FIX::OrderID(id));
    report.setField(FIX::ExecID(id));
    report.setField(FIX::ExecType(FIX::ExecType_NEW));
    report.setField(FIX::OrdStatus(FIX::OrdStatus_NEW));
    for (const int tag : {11, 55, 54, 38, 40, 44, 59, 60}) {
      report.setField(tag, order.getField(tag));
    }
    report.setField(151, order.getField(38));
    report.setField(FIX::CumQty(0));
    report.setField(FIX::AvgPx(0));
    FIX::Session::sendToTarget(report, session);
  }

  long orders_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  std::stringstream text;
  text << "[DEFAULT]\nConnectionType=acceptor\nStartTime=00:00:00\nEndTime=00:00:00\n"
       << "UseDataDictionary=Y\nDataDictionary=" << arguments[1] << "\n"
       << "SocketAcceptPort=" << arguments[2] << "\nSocketNodelay=Y\nSocketReuseAddress=Y\n";
  for (int number = 3; number < count; ++number) {
    text << "[SESSION]\nBeginString=FIX.4.4\nSenderCompID=AGIO\nTargetCompID="
         << arguments[number] << "\n";
  }
  const FIX::SessionSettings settings(text);
  Taker taker;
  FIX::MemoryStoreFactory stores;
  FIX::SocketAcceptor acceptor(taker, stores, settings);
  std::cout << arguments[2] << std::endl;
  acceptor.block();
}
