//! How a connection begins and ends: who the client is, what both sides agree on, and farewells.

use amq_protocol::protocol::{AMQPClass, connection};
use amq_protocol::types::{AMQPValue, FieldTable};
use serde_json::json;

use super::broker::{At, Broker, CHANNELS_MAX, Fault, Outcome, Stage};
use super::ledger::By;
use super::tables::{short, table_to_json};
use super::wire::FRAME_BYTES_MAX;

impl Broker {
    pub fn start(&mut self, at: At) -> Outcome {
        let mut able = FieldTable::default();
        for name in ["publisher_confirms", "basic.nack", "consumer_cancel_notify", "authentication_failure_close"] {
            able.insert(short(name), AMQPValue::Boolean(true));
        }
        let mut properties = FieldTable::default();
        properties.insert(short("product"), AMQPValue::LongString("Practicum".into()));
        properties.insert(short("capabilities"), AMQPValue::FieldTable(able));
        let start = connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: properties,
            mechanisms: "PLAIN".into(),
            locales: "en_US".into(),
        };
        self.send(at, AMQPClass::Connection(connection::AMQPMethod::Start(start)));
        self.stage(at.connection, Stage::Starting);
        Ok(())
    }

    pub fn hear_connection(&mut self, at: At, stage: Stage, method: connection::AMQPMethod) -> Outcome {
        use connection::AMQPMethod as Method;
        match (stage, method) {
            (Stage::Starting, Method::StartOk(start)) => self.log_in(at, &start),
            (Stage::Tuning, Method::TuneOk(tune)) => self.tuned(at, &tune),
            (Stage::Opening, Method::Open(open)) if open.virtual_host.as_str() == "/" => {
                self.ledger.note(By::Client, at, "connection.open", json!({}), None);
                self.send(at, AMQPClass::Connection(Method::OpenOk(connection::OpenOk {})));
                self.stage(at.connection, Stage::Open);
                Ok(())
            }
            (Stage::Opening, Method::Open(open)) => {
                Err(Fault::Connection(530, format!("NOT_ALLOWED - vhost {} not found", open.virtual_host)))
            }
            (_, Method::Close(close)) => {
                let fields = json!({"code": close.reply_code, "text": close.reply_text.as_str()});
                self.ledger.note(By::Client, at, "connection.close", fields, None);
                self.release(at.connection);
                self.send(at, AMQPClass::Connection(Method::CloseOk(connection::CloseOk {})));
                self.stage(at.connection, Stage::Ended);
                Ok(())
            }
            _ => Err(Fault::Connection(503, "COMMAND_INVALID - not at this stage of the connection".to_owned())),
        }
    }

    fn log_in(&mut self, at: At, start: &connection::StartOk) -> Outcome {
        let name = start.mechanism.as_str();
        if name != "PLAIN" || start.response.as_bytes() != b"\0guest\0guest" {
            return Err(Fault::Connection(
                403,
                format!(
                    "ACCESS_REFUSED - Login was refused using authentication mechanism {name}. For details see the broker \
                     logfile."
                ),
            ));
        }
        let told = match start.client_properties.inner().get("capabilities") {
            Some(AMQPValue::FieldTable(able)) => {
                matches!(able.inner().get("consumer_cancel_notify"), Some(AMQPValue::Boolean(true)))
            }
            _ => false,
        };
        let connection = self.connections.get_mut(&at.connection).expect("it has just spoken");
        connection.told_of_cancels = told;
        let properties = json!({"client_properties": table_to_json(&start.client_properties)});
        self.ledger.note(By::Client, at, "connection.start-ok", properties, None);
        let tune = connection::Tune { channel_max: CHANNELS_MAX, frame_max: FRAME_BYTES_MAX as u32, heartbeat: 0 };
        self.send(at, AMQPClass::Connection(connection::AMQPMethod::Tune(tune)));
        self.stage(at.connection, Stage::Tuning);
        Ok(())
    }

    fn tuned(&mut self, at: At, tune: &connection::TuneOk) -> Outcome {
        let frame = match tune.frame_max as usize {
            0 => FRAME_BYTES_MAX,
            asked => asked,
        };
        if !(4096..=FRAME_BYTES_MAX).contains(&frame) || tune.channel_max > CHANNELS_MAX {
            let text = "NOT_ALLOWED - negotiated frame_max or channel_max is out of the range that was offered";
            return Err(Fault::Connection(530, text.to_owned()));
        }
        self.connections.get_mut(&at.connection).expect("it has just spoken").frame_bytes_max = frame;
        self.stage(at.connection, Stage::Opening);
        Ok(())
    }
}
